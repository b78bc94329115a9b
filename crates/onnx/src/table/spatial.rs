//! What samples images at places that are computed, and attention.

use super::operator::{Operator, Row};

pub(super) const ROWS: &[Row] = &[
    ("Swish", 24, Operator::Swish),
    ("RMSNormalization", 23, Operator::RmsNorm),
    ("Attention", 23, Operator::Attention),
    ("RotaryEmbedding", 23, Operator::RotaryEmbedding),
    ("Einsum", 12, Operator::Einsum),
    ("LpPool", 2, Operator::LpPool),
    ("GlobalLpPool", 2, Operator::GlobalLpPool),
    ("Det", 11, Operator::Det),
    ("CenterCropPad", 18, Operator::CenterCropPad),
    ("AffineGrid", 20, Operator::AffineGrid),
    ("GridSample", 16, Operator::GridSample),
    ("Col2Im", 18, Operator::Col2Im),
    ("RoiAlign", 10, Operator::RoiAlign),
    ("MaxRoiPool", 1, Operator::MaxRoiPool),
    ("DeformConv", 19, Operator::DeformConv),
];
