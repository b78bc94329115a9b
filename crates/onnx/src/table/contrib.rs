//! Operators of `com.microsoft`, ONNX Runtime's own domain, as its optimiser and its quantiser write them into files.

use super::operator::{Contrib, Operator, Row};

pub(super) const ROWS: &[Row] = &[
    ("com.microsoft.FusedConv", 1, Operator::Contrib(Contrib::FusedConv)),
    ("com.microsoft.FusedGemm", 1, Operator::Contrib(Contrib::FusedGemm)),
    ("com.microsoft.FusedMatMul", 1, Operator::Contrib(Contrib::FusedMatMul)),
    ("com.microsoft.Gelu", 1, Operator::Contrib(Contrib::Gelu)),
    ("com.microsoft.BiasGelu", 1, Operator::Contrib(Contrib::BiasGelu)),
    ("com.microsoft.FastGelu", 1, Operator::Contrib(Contrib::FastGelu)),
    ("com.microsoft.QuickGelu", 1, Operator::Contrib(Contrib::QuickGelu)),
    ("com.microsoft.QLinearAdd", 1, Operator::Contrib(Contrib::QLinearAdd)),
    ("com.microsoft.QLinearAveragePool", 1, Operator::Contrib(Contrib::QLinearAveragePool)),
    ("com.microsoft.QLinearGlobalAveragePool", 1, Operator::Contrib(Contrib::QLinearGlobalAveragePool)),
    ("com.microsoft.QGemm", 1, Operator::Contrib(Contrib::QGemm)),
    ("com.microsoft.QLinearConcat", 1, Operator::Contrib(Contrib::QLinearConcat)),
    ("com.microsoft.QLinearMul", 1, Operator::Contrib(Contrib::QLinearMul)),
    ("com.microsoft.QLinearSigmoid", 1, Operator::Contrib(Contrib::QLinearSigmoid)),
    ("com.microsoft.QLinearLeakyRelu", 1, Operator::Contrib(Contrib::QLinearLeakyRelu)),
];
