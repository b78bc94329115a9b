//! Activations, softmax and its relatives.

use tilewright_ops::UnaryOp;

use super::operator::{Lines, Operator, Row};

pub(super) const ROWS: &[Row] = &[
    ("Relu", 1, Operator::Unary(UnaryOp::Relu)),
    ("LeakyRelu", 1, Operator::UnaryFloats(&[("alpha", 0.01)], |[slope, _]| UnaryOp::LeakyRelu { slope })),
    ("Sigmoid", 1, Operator::Unary(UnaryOp::Sigmoid)),
    ("Tanh", 1, Operator::Unary(UnaryOp::Tanh)),
    ("Elu", 1, Operator::UnaryFloats(&[("alpha", 1.0)], |[alpha, _]| UnaryOp::Elu { alpha })),
    ("Selu", 6, Operator::UnaryFloats(SELU, |[alpha, gamma]| UnaryOp::Selu { alpha, gamma })),
    ("Celu", 12, Operator::UnaryFloats(&[("alpha", 1.0)], |[alpha, _]| UnaryOp::Celu { alpha })),
    ("HardSigmoid", 1, Operator::UnaryFloats(HARD_SIGMOID, hard_sigmoid)),
    ("HardSwish", 14, Operator::Unary(UnaryOp::HardSwish)),
    ("Softplus", 1, Operator::Unary(UnaryOp::Softplus)),
    ("Softsign", 1, Operator::Unary(UnaryOp::Softsign)),
    ("ThresholdedRelu", 1, Operator::UnaryFloats(&[("alpha", 1.0)], thresholded)),
    ("Shrink", 9, Operator::UnaryFloats(&[("bias", 0.0), ("lambd", 0.5)], shrink)),
    ("Mish", 18, Operator::Unary(UnaryOp::Mish)),
    ("Gelu", 20, Operator::UnaryChoice("approximate", GELU)),
    ("PRelu", 1, Operator::Prelu),
    ("Softmax", 1, Operator::Lines(Lines::Softmax)),
    ("LogSoftmax", 1, Operator::Lines(Lines::LogSoftmax)),
    ("Hardmax", 1, Operator::Lines(Lines::Hardmax)),
];

const SELU: &[(&str, f32)] = &[("alpha", 1.673_263_2), ("gamma", 1.050_701)];
const HARD_SIGMOID: &[(&str, f32)] = &[("alpha", 0.2), ("beta", 0.5)];
const GELU: &[(&str, UnaryOp)] = &[("none", UnaryOp::Gelu), ("tanh", UnaryOp::GeluTanh)];

const fn hard_sigmoid([slope, offset]: [f32; 2]) -> UnaryOp {
    UnaryOp::HardSigmoid { slope, offset }
}

const fn thresholded([threshold, _]: [f32; 2]) -> UnaryOp {
    UnaryOp::ThresholdedRelu { threshold }
}

const fn shrink([bias, lambda]: [f32; 2]) -> UnaryOp {
    UnaryOp::Shrink { bias, lambda }
}
