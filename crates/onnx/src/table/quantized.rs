//! To bytes and from them, and what is computed with them.

use super::operator::{Operator, Row};

pub(super) const ROWS: &[Row] = &[
    ("QuantizeLinear", 10, Operator::Quantize),
    ("DequantizeLinear", 10, Operator::Dequantize),
    ("DynamicQuantizeLinear", 11, Operator::DynamicQuantize),
    ("QLinearConv", 10, Operator::QLinearConv),
    ("ConvInteger", 10, Operator::ConvInteger),
    ("QLinearMatMul", 10, Operator::QLinearMatMul),
    ("MatMulInteger", 10, Operator::MatMulInteger),
];
