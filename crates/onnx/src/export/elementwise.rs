//! Activations, arithmetic, comparisons, choice.

use tilewright_graph::Node;
use tilewright_ops::{BinaryOp, DType, UnaryOp};

use super::names;
use super::writer::{Writer, float, int, refuse, string};
use crate::element::ElementType;
use crate::error::Result;
use crate::proto::AttributeProto;

/// `op` of `x`: the operator of the table, or what is written out for want of one.
pub(super) fn unary(w: &mut Writer<'_>, node: &Node, op: UnaryOp, x: &str) -> Result<String> {
    if let Some(names::Unary { operator, floats, choice }) = names::unary(op) {
        let floats = floats.into_iter().map(|(name, value)| float(name, value));
        let choice = choice.map(|(name, value)| string(name, value));
        return Ok(w.emit(operator, &[x], floats.chain(choice).collect()));
    }
    composed(w, op, x).ok_or_else(|| refuse(node, &format!("ONNX has no operator for {}", op.name())))
}

/// Functions that the operator set has no operator for.
fn composed(w: &mut Writer<'_>, op: UnaryOp, x: &str) -> Option<String> {
    Some(match op {
        UnaryOp::Relu6 => clip(w, x, 0.0, 6.0),
        UnaryOp::Clamp { min, max } => clip(w, x, min, max),
        UnaryOp::AddScalar { value } => {
            let value = w.scalar("value", value);
            w.emit("Add", &[x, &value], vec![])
        }
        UnaryOp::MulScalar { value } => times(w, x, value),
        UnaryOp::Square => w.emit("Mul", &[x, x], vec![]),
        UnaryOp::Rsqrt => {
            let root = w.emit("Sqrt", &[x], vec![]);
            w.emit("Reciprocal", &[&root], vec![])
        }
        UnaryOp::Silu => {
            let gate = w.emit("Sigmoid", &[x], vec![]);
            w.emit("Mul", &[x, &gate], vec![])
        }
        UnaryOp::Mish => {
            let soft = w.emit("Softplus", &[x], vec![]);
            let gate = w.emit("Tanh", &[&soft], vec![]);
            w.emit("Mul", &[x, &gate], vec![])
        }
        UnaryOp::Gelu => {
            let scaled = times(w, x, std::f32::consts::FRAC_1_SQRT_2);
            let erf = w.emit("Erf", &[&scaled], vec![]);
            half_gate(w, x, &erf)
        }
        UnaryOp::GeluTanh => {
            let square = w.emit("Mul", &[x, x], vec![]);
            let cube = w.emit("Mul", &[&square, x], vec![]);
            let small = times(w, &cube, 0.044_715);
            let sum = w.emit("Add", &[x, &small], vec![]);
            // √(2/π)
            let scaled = times(w, &sum, std::f32::consts::FRAC_2_SQRT_PI * std::f32::consts::FRAC_1_SQRT_2);
            let tanh = w.emit("Tanh", &[&scaled], vec![]);
            half_gate(w, x, &tanh)
        }
        _ => return None,
    })
}

/// The activation of a fused operation, if it has one.
pub(super) fn activation(w: &mut Writer<'_>, node: &Node, op: Option<UnaryOp>, y: String) -> Result<String> {
    match op {
        Some(op) => unary(w, node, op, &y),
        None => Ok(y),
    }
}

pub(super) fn binary(w: &mut Writer<'_>, node: &Node, op: BinaryOp, a: &str, b: &str) -> Result<String> {
    if let BinaryOp::Remainder | BinaryOp::Fmod = op {
        return Ok(modulo(w, node, op, a, b));
    }
    let operator =
        names::binary(op).ok_or_else(|| refuse(node, &format!("ONNX has no operator for {}", op.name())))?;
    if op.is_comparison() {
        // Truth values are 1 and 0 here.
        let truth = w.emit(operator, &[a, b], vec![]);
        return Ok(w.emit("Cast", &[&truth], vec![to(ElementType::F32)]));
    }
    if op == BinaryOp::Prelu && w.shape(node, 0) != w.output(node) {
        // The slope broadcasts to x, but not x to the slope.
        let shape = w.integers("shape", w.output(node).iter().copied());
        let wide = w.emit("Expand", &[a, &shape], vec![]);
        return Ok(w.emit(operator, &[&wide, b], vec![]));
    }
    Ok(w.emit(operator, &[a, b], vec![]))
}

/// Of floats the operator has the sign of the dividend alone.
fn modulo(w: &mut Writer<'_>, node: &Node, op: BinaryOp, a: &str, b: &str) -> String {
    if op == BinaryOp::Fmod {
        return w.emit("Mod", &[a, b], vec![int("fmod", 1)]);
    }
    if w.graph[node.inputs[0]].dtype == DType::I32 {
        return w.emit("Mod", &[a, b], vec![]);
    }
    let rest = w.emit("Mod", &[a, b], vec![int("fmod", 1)]);
    // On the other side of zero than b, and not 0: b more.
    let across = w.emit("Mul", &[&rest, b], vec![]);
    let zero = w.scalar("zero", 0.0);
    let across = w.emit("Less", &[&across, &zero], vec![]);
    let sum = w.emit("Add", &[&rest, b], vec![]);
    w.emit("Where", &[&across, &sum, &rest], vec![])
}

/// `x[1]` where `x[0]` is not 0, else `x[2]`.
pub(super) fn choose(w: &mut Writer<'_>, x: &[String]) -> String {
    let condition = w.emit("Cast", &[&x[0]], vec![to(ElementType::Bool)]);
    w.emit("Where", &[&condition, &x[1], &x[2]], vec![])
}

pub(super) fn to(dtype: ElementType) -> AttributeProto {
    int("to", usize::try_from(dtype.number()).unwrap_or_default())
}

fn clip(w: &mut Writer<'_>, x: &str, min: f32, max: f32) -> String {
    let (min, max) = (w.scalar("min", min), w.scalar("max", max));
    w.emit("Clip", &[x, &min, &max], vec![])
}

fn times(w: &mut Writer<'_>, x: &str, factor: f32) -> String {
    let factor = w.scalar("factor", factor);
    w.emit("Mul", &[x, &factor], vec![])
}

/// x · ½ (1 + gate)
fn half_gate(w: &mut Writer<'_>, x: &str, gate: &str) -> String {
    let one = w.scalar("one", 1.0);
    let sum = w.emit("Add", &[gate, &one], vec![]);
    let product = w.emit("Mul", &[x, &sum], vec![]);
    times(w, &product, 0.5)
}
