//! Attention as its steps: the operator set that is written has none.

use tilewright_graph::Node;
use tilewright_ops::Attention;

use super::writer::{Writer, int, ints};

/// Below any score that is not −∞.
const ALMOST_NONE: f32 = -3e38;

/// The result, and the logarithms of the softmax's sums.
pub(super) fn attention(w: &mut Writer<'_>, node: &Node, op: &Attention, x: &[String]) -> Vec<String> {
    let (queries, keys) = (w.shape(node, 0)[2], w.shape(node, 1)[2]);
    let scale = w.scalar("scale", op.scale);
    let turned = w.emit("Transpose", &[&x[1]], vec![ints("perm", [0, 1, 3, 2])]);
    let products = w.emit("MatMul", &[&x[0], &turned], vec![]);
    let mut scores = w.emit("Mul", &[&products, &scale], vec![]);
    if let Some(mask) = x.get(3) {
        scores = w.emit("Add", &[&scores, mask], vec![]);
    }
    if op.causal {
        let behind = |at: usize| if at % keys > at / keys { f32::NEG_INFINITY } else { 0.0 };
        let values: Vec<f32> = (0..queries * keys).map(behind).collect();
        let seen = w.floats("seen", &[queries, keys], &values);
        scores = w.emit("Add", &[&scores, &seen], vec![]);
    }
    // A query that sees nothing has the sum 0, and no distance of two infinities.
    let (zero, one, least) = (w.scalar("zero", 0.0), w.scalar("one", 1.0), w.scalar("least", ALMOST_NONE));
    let best = w.emit("ReduceMax", &[&scores], vec![ints("axes", [3]), int("keepdims", 1)]);
    let blind = w.emit("Less", &[&best, &least], vec![]);
    let largest = w.emit("Where", &[&blind, &zero, &best], vec![]);
    let distances = w.emit("Sub", &[&scores, &largest], vec![]);
    let powers = w.emit("Exp", &[&distances], vec![]);
    let axes = w.integers("axes", [3]);
    let sums = w.emit("ReduceSum", &[&powers, &axes], vec![int("keepdims", 1)]);
    let divisors = w.emit("Where", &[&blind, &one, &sums], vec![]);
    let shares = w.emit("Div", &[&powers, &divisors], vec![]);
    let y = w.emit("MatMul", &[&shares, &x[2]], vec![]);
    let logarithms = w.emit("Log", &[&divisors], vec![]);
    let whole = w.emit("Add", &[&logarithms, &largest], vec![]);
    let axes = w.integers("axes", [3]);
    let log_sum = w.emit("Squeeze", &[&whole, &axes], vec![]);
    vec![y, log_sum]
}
