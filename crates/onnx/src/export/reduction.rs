//! Reductions, places of maxima, softmax.

use tilewright_graph::Node;
use tilewright_ops::{CumSum, DType, Moments, ReduceOp, TopK};

use super::{
    movement, names,
    writer::{Writer, int, ints, refuse},
};
use crate::element::ElementType;
use crate::error::Result;
use crate::table::operator::Lines;

pub(super) fn reduce(
    w: &mut Writer<'_>,
    node: &Node,
    op: ReduceOp,
    axes: &[usize],
    keepdim: bool,
    x: &str,
) -> Result<String> {
    let rank = w.shape(node, 0).len();
    if rank == 0 {
        return Ok(w.emit("Identity", &[x], vec![]));
    }
    let axes: Vec<usize> = if axes.is_empty() { (0..rank).collect() } else { axes.to_vec() };
    let keepdims = int("keepdims", usize::from(keepdim));
    let operator = names::reduction(op)
        .ok_or_else(|| refuse(node, &format!("ONNX has no reduction for {}", op.name())))?;
    if op == ReduceOp::Sum {
        // Its axes became an operand before those of the others.
        let axes = w.integers("axes", axes);
        return Ok(w.emit(operator, &[x, &axes], vec![keepdims]));
    }
    Ok(w.emit(operator, &[x], vec![ints("axes", axes), keepdims]))
}

/// The axis is an operand without axes.
pub(super) fn cumsum(w: &mut Writer<'_>, op: &CumSum, x: &str) -> String {
    let axis = w.constant("axis", &[], ElementType::I64, (op.axis as i64).to_le_bytes().to_vec());
    let flags = vec![int("exclusive", usize::from(op.exclusive)), int("reverse", usize::from(op.reverse))];
    w.emit("CumSum", &[x, &axis], flags)
}

/// Mean, what is left of it (the mean of the distances from it), and the mean of the squares of what is left then: no
/// difference of squares, which would cancel far from 0.
pub(super) fn moments(w: &mut Writer<'_>, node: &Node, op: &Moments, x: &str) -> Vec<String> {
    let rank = w.shape(node, 0).len();
    let axes: Vec<usize> = if op.axes.is_empty() { (0..rank).collect() } else { op.axes.clone() };
    // Without axes there is nothing to reduce, which no attribute says.
    let mean_of = |w: &mut Writer<'_>, x: &str| match rank {
        0 => w.emit("Identity", &[x], vec![]),
        _ => w.emit("ReduceMean", &[x], vec![ints("axes", axes.clone()), int("keepdims", 1)]),
    };
    let mean = mean_of(w, x);
    let centred = w.emit("Sub", &[x, &mean], vec![]);
    let rest = mean_of(w, &centred);
    let distance = w.emit("Sub", &[&centred, &rest], vec![]);
    let squares = w.emit("Mul", &[&distance, &distance], vec![]);
    let variance = mean_of(w, &squares);
    vec![mean, rest, variance]
}

/// Two differences and a product.
pub(super) fn standardize(w: &mut Writer<'_>, x: &[String]) -> String {
    let y = w.emit("Sub", &[&x[0], &x[1]], vec![]);
    let y = w.emit("Sub", &[&y, &x[2]], vec![]);
    w.emit("Mul", &[&y, &x[3]], vec![])
}

/// Values and indices; ONNX's are i64.
pub(super) fn topk(w: &mut Writer<'_>, op: &TopK, x: &str) -> Vec<String> {
    let k = w.integers("k", [op.k]);
    let attributes = vec![int("axis", op.axis), int("largest", usize::from(op.largest)), int("sorted", 1)];
    let values = w.emit("TopK", &[x, &k], attributes);
    let places = w.next_result(&values);
    let indices = movement::cast(w, &places, DType::I32);
    vec![values, indices]
}

/// The place among all reduced axes in row-major order: they are moved to the end and joined.
pub(super) fn argmax(w: &mut Writer<'_>, node: &Node, axes: &[usize], x: &str) -> String {
    let shape = w.shape(node, 0);
    let reduced = |axis: &usize| axes.is_empty() || axes.contains(axis);
    let (joined, kept): (Vec<usize>, Vec<usize>) = (0..shape.len()).partition(reduced);
    let count = joined.iter().map(|&axis| shape[axis]).product();
    let moved = w.emit("Transpose", &[x], vec![ints("perm", kept.iter().chain(&joined).copied())]);
    let rows: Vec<usize> = kept.iter().map(|&axis| shape[axis]).chain([count]).collect();
    let rows = movement::reshape(w, &moved, &rows);
    let places = w.emit("ArgMax", &[&rows], vec![int("axis", kept.len()), int("keepdims", 0)]);
    let places = movement::cast(w, &places, DType::I32);
    movement::reshape(w, &places, w.output(node))
}

pub(super) fn lines(
    w: &mut Writer<'_>,
    node: &Node,
    function: Lines,
    axis: usize,
    x: &str,
) -> Result<String> {
    let operator = names::lines(function).ok_or_else(|| refuse(node, "ONNX has no operator for it"))?;
    Ok(w.emit(operator, &[x], vec![int("axis", axis)]))
}
