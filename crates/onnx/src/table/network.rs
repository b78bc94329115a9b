//! Products, convolutions, poolings, normalisations, resizing and losses.

use tilewright_ops::ReduceOp;

use super::operator::{Operator, Row};

pub(super) const ROWS: &[Row] = &[
    ("MatMul", 1, Operator::MatMul),
    ("Gemm", 1, Operator::Gemm),
    ("Conv", 1, Operator::Conv),
    ("ConvTranspose", 1, Operator::ConvTranspose),
    ("MaxPool", 1, Operator::MaxPool),
    ("AveragePool", 1, Operator::AveragePool),
    ("GlobalMaxPool", 1, Operator::GlobalPool(ReduceOp::Max)),
    ("GlobalAveragePool", 1, Operator::GlobalPool(ReduceOp::Mean)),
    ("BatchNormalization", 1, Operator::BatchNorm),
    ("InstanceNormalization", 1, Operator::InstanceNorm),
    ("LayerNormalization", 17, Operator::LayerNorm),
    ("GroupNormalization", 18, Operator::GroupNorm),
    ("MeanVarianceNormalization", 9, Operator::MeanVarianceNorm),
    ("LpNormalization", 1, Operator::LpNorm),
    ("LRN", 1, Operator::LocalResponseNorm),
    ("Dropout", 1, Operator::Dropout),
    ("Resize", 10, Operator::Resize),
    ("Upsample", 7, Operator::Upsample),
    ("NegativeLogLikelihoodLoss", 12, Operator::NegativeLogLikelihood),
    ("SoftmaxCrossEntropyLoss", 12, Operator::SoftmaxCrossEntropy),
];
