//! Which operations of the engine's vocabulary the operators are, for the support table.

use tilewright_ops::{BinaryOp, ReduceOp};

use super::operator::{Bits, Contrib, Extreme, HostOperator, Lines, Operator, Relabel, Variadic};
use super::rows::{host_rows, rows};

/// The operators that are read, each with an operation of the vocabulary (by its name in the support table) that it is
/// read as or written from. What has no counterpart alone, being composed of several, is not here.
#[must_use]
pub fn counterparts() -> Vec<(&'static str, &'static str)> {
    let device = rows().flat_map(|&(name, _, operator)| of(operator).into_iter().map(move |op| (name, op)));
    let host = host_rows().filter_map(|&(name, operator)| Some((name, of_host(operator)?)));
    device.chain(host).collect()
}

fn of(operator: Operator) -> Vec<&'static str> {
    match operator {
        Operator::Unary(op) => vec![op.name()],
        Operator::UnaryFloats(attributes, build) => {
            let default = |at: usize| attributes.get(at).map_or(0.0, |&(_, default)| default);
            vec![build([default(0), default(1)]).name()]
        }
        Operator::UnaryChoice(_, choices) => choices.iter().map(|(_, op)| op.name()).collect(),
        Operator::Binary(BinaryOp::Add) => vec!["add", "add_scalar"],
        Operator::Binary(BinaryOp::Mul) => vec!["mul", "mul_scalar"],
        Operator::Binary(op) => vec![op.name()],
        Operator::Compare(comparison) => vec![comparison.op().name()],
        Operator::Variadic(Variadic::Max) => vec![BinaryOp::Maximum.name()],
        Operator::Variadic(Variadic::Min) => vec![BinaryOp::Minimum.name()],
        Operator::Prelu => vec![BinaryOp::Prelu.name()],
        Operator::Where => vec!["where"],
        Operator::Clip => vec!["clamp", "relu6"],
        Operator::Cast => vec!["cast"],
        Operator::Lines(Lines::Softmax) => vec!["softmax"],
        Operator::Lines(Lines::LogSoftmax) => vec!["log_softmax"],
        Operator::MatMul => vec!["matmul"],
        Operator::Gemm => vec!["linear"],
        Operator::Conv => vec!["conv2d"],
        Operator::ConvTranspose => vec!["conv_transpose2d"],
        Operator::MaxPool => vec!["max_pool2d", "qmax_pool2d"],
        Operator::AveragePool => vec!["avg_pool2d"],
        Operator::GlobalPool(ReduceOp::Mean) => vec!["adaptive_avg_pool2d"],
        Operator::BatchNorm => vec!["batch_norm"],
        Operator::Dropout => vec!["dropout"],
        Operator::Reduce(reduction) => reduction.op().into_iter().map(ReduceOp::name).collect(),
        Operator::Arg(Extreme::Max) => vec!["argmax"],
        Operator::CumSum => vec!["cumsum"],
        Operator::TopK => vec!["topk"],
        Operator::RoiAlign => vec!["roi_align"],
        Operator::MaxRoiPool => vec!["roi_pool"],
        Operator::Attention => vec!["attention"],
        Operator::Relabel(Relabel::Reshape) => vec!["reshape"],
        Operator::Transpose => vec!["permute"],
        Operator::Concat => vec!["concat"],
        Operator::Split => vec!["split"],
        Operator::Slice => vec!["slice"],
        Operator::Expand => vec!["expand"],
        Operator::Pad => vec!["pad", "resample"],
        Operator::Resize => vec!["resample"],
        Operator::Gather => vec!["gather"],
        Operator::GatherElements => vec!["gather_elements"],
        Operator::GatherNd => vec!["gather_nd"],
        Operator::ScatterElements => vec!["scatter_elements"],
        Operator::ScatterNd => vec!["scatter_nd"],
        Operator::Mod => vec![BinaryOp::Remainder.name(), BinaryOp::Fmod.name()],
        Operator::Bits(Bits::Shift) => vec![BinaryOp::ShiftLeft.name(), BinaryOp::ShiftRight.name()],
        Operator::Bits(Bits::And) => vec![BinaryOp::BitwiseAnd.name()],
        Operator::Bits(Bits::Or) => vec![BinaryOp::BitwiseOr.name()],
        Operator::Bits(Bits::Xor) => vec![BinaryOp::BitwiseXor.name()],
        Operator::SoftmaxCrossEntropy => vec!["cross_entropy"],
        Operator::Swish => vec!["silu"],
        Operator::Quantize => vec!["quantize"],
        Operator::Dequantize => vec!["dequantize"],
        Operator::DynamicQuantize => vec![],
        Operator::QLinearConv
        | Operator::ConvInteger
        | Operator::QLinearMatMul
        | Operator::MatMulInteger
        | Operator::Contrib(Contrib::QGemm) => vec!["qconv2d"],
        Operator::Contrib(Contrib::QLinearAdd) => vec!["qadd"],
        Operator::Contrib(Contrib::QLinearMul) => vec!["qmul"],
        Operator::Contrib(Contrib::QLinearSigmoid | Contrib::QLinearLeakyRelu) => vec!["qlookup"],
        Operator::Contrib(Contrib::QLinearAveragePool | Contrib::QLinearGlobalAveragePool) => {
            vec!["qavg_pool2d"]
        }
        Operator::Logic(_)
        | Operator::Not
        | Operator::Variadic(Variadic::Sum | Variadic::Mean)
        | Operator::CastLike
        | Operator::Lines(Lines::Hardmax)
        | Operator::GlobalPool(_)
        | Operator::InstanceNorm
        | Operator::LayerNorm
        | Operator::GroupNorm
        | Operator::MeanVarianceNorm
        | Operator::LpNorm
        | Operator::LocalResponseNorm
        | Operator::Arg(Extreme::Min)
        | Operator::Identity
        | Operator::Relabel(Relabel::Flatten | Relabel::Squeeze | Relabel::Unsqueeze)
        | Operator::Shape
        | Operator::Size
        | Operator::Tile
        | Operator::DepthToSpace
        | Operator::SpaceToDepth
        | Operator::OneHot
        | Operator::BitwiseNot
        | Operator::IsNaN
        | Operator::IsInf
        | Operator::EyeLike
        | Operator::Trilu
        | Operator::Compress
        | Operator::ReverseSequence
        | Operator::Upsample
        | Operator::NegativeLogLikelihood
        | Operator::RmsNorm
        | Operator::RotaryEmbedding
        | Operator::Einsum
        | Operator::LpPool
        | Operator::GlobalLpPool
        | Operator::Det
        | Operator::CenterCropPad
        | Operator::AffineGrid
        | Operator::GridSample
        | Operator::Col2Im
        | Operator::DeformConv
        | Operator::Contrib(_) => vec![],
    }
}

fn of_host(operator: HostOperator) -> Option<&'static str> {
    (operator == HostOperator::ConstantOfShape).then_some("fill")
}
