//! Activations, arithmetic, comparisons, choice.

use tilewright_graph::Node;
use tilewright_ops::{BinaryOp, UnaryOp};

use super::writer::{Writer, float, int};
use crate::ElementType;

/// `op` of `x`; operator set 17 has no SiLU, Mish and GELU, which are written out.
pub(super) fn unary(w: &mut Writer<'_>, op: UnaryOp, x: &str) -> String {
    let plain = |w: &mut Writer<'_>, operator: &str| w.emit(operator, &[x], vec![]);
    match op {
        UnaryOp::Relu => plain(w, "Relu"),
        UnaryOp::Relu6 => clip(w, x, 0.0, 6.0),
        UnaryOp::LeakyRelu { slope } => w.emit("LeakyRelu", &[x], vec![float("alpha", slope)]),
        UnaryOp::Sigmoid => plain(w, "Sigmoid"),
        UnaryOp::Tanh => plain(w, "Tanh"),
        UnaryOp::Silu => {
            let gate = plain(w, "Sigmoid");
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
        UnaryOp::Mish => {
            let soft = plain(w, "Softplus");
            let gate = w.emit("Tanh", &[&soft], vec![]);
            w.emit("Mul", &[x, &gate], vec![])
        }
        UnaryOp::Rsqrt => {
            let root = plain(w, "Sqrt");
            w.emit("Reciprocal", &[&root], vec![])
        }
        UnaryOp::Square => w.emit("Mul", &[x, x], vec![]),
        UnaryOp::Clamp { min, max } => clip(w, x, min, max),
        UnaryOp::AddScalar { value } => {
            let value = w.scalar("value", value);
            w.emit("Add", &[x, &value], vec![])
        }
        UnaryOp::MulScalar { value } => times(w, x, value),
        UnaryOp::HardSigmoid { slope, offset } => {
            w.emit("HardSigmoid", &[x], vec![float("alpha", slope), float("beta", offset)])
        }
        UnaryOp::Elu { alpha } => w.emit("Elu", &[x], vec![float("alpha", alpha)]),
        UnaryOp::Selu { alpha, gamma } => {
            w.emit("Selu", &[x], vec![float("alpha", alpha), float("gamma", gamma)])
        }
        UnaryOp::Celu { alpha } => w.emit("Celu", &[x], vec![float("alpha", alpha)]),
        UnaryOp::ThresholdedRelu { threshold } => {
            w.emit("ThresholdedRelu", &[x], vec![float("alpha", threshold)])
        }
        UnaryOp::Shrink { bias, lambda } => {
            w.emit("Shrink", &[x], vec![float("bias", bias), float("lambd", lambda)])
        }
        UnaryOp::HardSwish => plain(w, "HardSwish"),
        UnaryOp::Softplus => plain(w, "Softplus"),
        UnaryOp::Softsign => plain(w, "Softsign"),
        UnaryOp::Neg => plain(w, "Neg"),
        UnaryOp::Abs => plain(w, "Abs"),
        UnaryOp::Exp => plain(w, "Exp"),
        UnaryOp::Log => plain(w, "Log"),
        UnaryOp::Sqrt => plain(w, "Sqrt"),
        UnaryOp::Reciprocal => plain(w, "Reciprocal"),
        UnaryOp::Floor => plain(w, "Floor"),
        UnaryOp::Ceil => plain(w, "Ceil"),
        UnaryOp::Round => plain(w, "Round"),
        UnaryOp::Sign => plain(w, "Sign"),
        UnaryOp::Erf => plain(w, "Erf"),
        UnaryOp::Sin => plain(w, "Sin"),
        UnaryOp::Cos => plain(w, "Cos"),
        UnaryOp::Tan => plain(w, "Tan"),
        UnaryOp::Asin => plain(w, "Asin"),
        UnaryOp::Acos => plain(w, "Acos"),
        UnaryOp::Atan => plain(w, "Atan"),
        UnaryOp::Sinh => plain(w, "Sinh"),
        UnaryOp::Cosh => plain(w, "Cosh"),
        UnaryOp::Asinh => plain(w, "Asinh"),
        UnaryOp::Acosh => plain(w, "Acosh"),
        UnaryOp::Atanh => plain(w, "Atanh"),
    }
}

/// The activation of a fused operation, if it has one.
pub(super) fn activation(w: &mut Writer<'_>, op: Option<UnaryOp>, y: String) -> String {
    match op {
        Some(op) => unary(w, op, &y),
        None => y,
    }
}

pub(super) fn binary(w: &mut Writer<'_>, node: &Node, op: BinaryOp, a: &str, b: &str) -> String {
    let plain = |w: &mut Writer<'_>, operator: &str| w.emit(operator, &[a, b], vec![]);
    match op {
        BinaryOp::Add => plain(w, "Add"),
        BinaryOp::Sub => plain(w, "Sub"),
        BinaryOp::Mul => plain(w, "Mul"),
        BinaryOp::Div => plain(w, "Div"),
        BinaryOp::Maximum => plain(w, "Max"),
        BinaryOp::Minimum => plain(w, "Min"),
        BinaryOp::Pow => plain(w, "Pow"),
        BinaryOp::Prelu => {
            // The slope broadcasts to x, but not x to the slope.
            if w.shape(node, 0) == w.output(node) {
                return plain(w, "PRelu");
            }
            let shape = w.integers("shape", w.output(node).iter().copied());
            let wide = w.emit("Expand", &[a, &shape], vec![]);
            w.emit("PRelu", &[&wide, b], vec![])
        }
        BinaryOp::Equal => compare(w, "Equal", a, b),
        BinaryOp::Less => compare(w, "Less", a, b),
        BinaryOp::LessOrEqual => compare(w, "LessOrEqual", a, b),
        BinaryOp::Greater => compare(w, "Greater", a, b),
        BinaryOp::GreaterOrEqual => compare(w, "GreaterOrEqual", a, b),
    }
}

/// `x[1]` where `x[0]` is not 0, else `x[2]`.
pub(super) fn choose(w: &mut Writer<'_>, x: &[String]) -> String {
    let condition = w.emit("Cast", &[&x[0]], vec![to(ElementType::Bool)]);
    w.emit("Where", &[&condition, &x[1], &x[2]], vec![])
}

pub(super) fn to(dtype: ElementType) -> crate::proto::AttributeProto {
    int("to", usize::try_from(dtype.number()).unwrap_or_default())
}

/// Truth values are 1 and 0 here.
fn compare(w: &mut Writer<'_>, operator: &str, a: &str, b: &str) -> String {
    let truth = w.emit(operator, &[a, b], vec![]);
    w.emit("Cast", &[&truth], vec![to(ElementType::F32)])
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
