//! Which operators the host computes, and how.

use super::call::Call;
use super::{
    boxes, create, elementwise, functions, gather, movement, newer, order, quantize, reduce, scatter, signal,
    unique,
};
use crate::error::Result;
use crate::model::Node;
use crate::params::operands::Operands;
use crate::table::attributes;
use crate::table::operator::{HostOperator, Operator};
use crate::table::rows::{on_device, on_host};
use crate::tensor::HostTensor;

type Computation = Box<dyn Fn(&Call) -> Result<Vec<HostTensor>>>;

impl Call<'_> {
    /// Whether the operator is computed on the host at all.
    #[must_use]
    pub fn known(node: &Node) -> bool {
        computation(node).is_some()
    }

    /// The results, in the order of the node's outputs. `None` if the operator is not computed on the host.
    #[must_use]
    pub fn evaluate(&self) -> Option<Result<Vec<HostTensor>>> {
        let compute = computation(self.node())?;
        if let Err(error) = attributes::check(self.node()) {
            return Some(Err(error));
        }
        // Quantised weights may be of any size; what they become counts.
        let weights = matches!(on_device(&self.node().operator()), Some((_, Operator::Dequantize)));
        if let Some(error) = self.oversized().filter(|_| !weights) {
            return Some(Err(error));
        }
        Some(compute(self))
    }
}

fn computation(node: &Node) -> Option<Computation> {
    let name = node.operator();
    match on_device(&name) {
        Some((_, operator)) => shared(operator),
        None => on_host(&name).map(alone),
    }
}

fn boxed(compute: impl Fn(&Call) -> Result<Vec<HostTensor>> + 'static) -> Computation {
    Box::new(compute)
}

/// What the device computes too; `None` for what it alone does.
fn shared(operator: Operator) -> Option<Computation> {
    Some(match operator {
        Operator::Unary(op) => {
            let function = functions::unary(op)?;
            boxed(move |call| elementwise::unary(call, function))
        }
        Operator::Binary(op) => {
            let function = functions::binary(op)?;
            boxed(move |call| elementwise::binary(call, function))
        }
        Operator::Compare(comparison) => boxed(move |call| elementwise::compare(call, comparison)),
        Operator::Logic(logic) => boxed(move |call| elementwise::logic(call, logic)),
        Operator::Not => boxed(elementwise::not),
        Operator::Variadic(function) => boxed(move |call| elementwise::variadic(call, function)),
        Operator::Where => boxed(elementwise::choose),
        Operator::Clip => boxed(elementwise::clip),
        Operator::Cast => boxed(elementwise::cast),
        Operator::CastLike => boxed(elementwise::cast_like),
        Operator::Mod => boxed(elementwise::modulo),
        Operator::BitwiseNot => boxed(elementwise::bitwise_not),
        Operator::IsNaN => boxed(elementwise::is_nan),
        Operator::IsInf => boxed(elementwise::is_infinite),
        Operator::EyeLike => boxed(create::eye_like),
        Operator::Bits(op) => boxed(move |call| elementwise::bits(call, op)),
        Operator::Reduce(reduction) => boxed(move |call| reduce::reduce(call, reduction)),
        Operator::Arg(extreme) => boxed(move |call| reduce::arg(call, extreme)),
        Operator::CumSum => boxed(order::cumulative_sum),
        Operator::TopK => boxed(order::top_k),
        Operator::Identity => boxed(movement::identity),
        Operator::Relabel(how) => boxed(move |call| movement::relabel(call, how)),
        Operator::Shape => boxed(create::shape),
        Operator::Size => boxed(create::size),
        Operator::Transpose => boxed(movement::transpose),
        Operator::Concat => boxed(movement::concat),
        Operator::Split => boxed(movement::split),
        Operator::Slice => boxed(movement::slice),
        Operator::Expand => boxed(movement::expand),
        Operator::Tile => boxed(movement::tile),
        Operator::Pad => boxed(movement::pad),
        Operator::DepthToSpace => boxed(movement::depth_to_space),
        Operator::SpaceToDepth => boxed(movement::space_to_depth),
        Operator::Gather => boxed(gather::gather),
        Operator::GatherElements => boxed(gather::gather_elements),
        Operator::GatherNd => boxed(gather::gather_nd),
        Operator::ScatterElements => boxed(scatter::scatter_elements),
        Operator::ScatterNd => boxed(scatter::scatter_nd),
        Operator::OneHot => boxed(create::one_hot),
        Operator::Trilu => boxed(movement::trilu),
        Operator::Compress => boxed(gather::compress),
        Operator::ReverseSequence => boxed(gather::reverse_sequence),
        Operator::Quantize => boxed(quantize::quantize),
        Operator::Dequantize => boxed(quantize::dequantize),
        Operator::DynamicQuantize => boxed(quantize::dynamic_quantize),
        Operator::UnaryFloats(..)
        | Operator::UnaryChoice(..)
        | Operator::Prelu
        | Operator::Lines(_)
        | Operator::MatMul
        | Operator::Gemm
        | Operator::Conv
        | Operator::ConvTranspose
        | Operator::MaxPool
        | Operator::AveragePool
        | Operator::GlobalPool(_)
        | Operator::BatchNorm
        | Operator::InstanceNorm
        | Operator::LayerNorm
        | Operator::GroupNorm
        | Operator::MeanVarianceNorm
        | Operator::LpNorm
        | Operator::LocalResponseNorm
        | Operator::Dropout
        | Operator::Resize
        | Operator::Upsample
        | Operator::NegativeLogLikelihood
        | Operator::SoftmaxCrossEntropy
        | Operator::Swish
        | Operator::RmsNorm
        | Operator::Attention
        | Operator::RotaryEmbedding
        | Operator::Einsum
        | Operator::LpPool
        | Operator::GlobalLpPool
        | Operator::Det
        | Operator::CenterCropPad
        | Operator::AffineGrid
        | Operator::GridSample
        | Operator::Col2Im
        | Operator::RoiAlign
        | Operator::MaxRoiPool
        | Operator::DeformConv
        | Operator::QLinearConv
        | Operator::ConvInteger
        | Operator::QLinearMatMul
        | Operator::MatMulInteger
        | Operator::Contrib(_) => return None,
    })
}

/// What the host alone computes.
fn alone(operator: HostOperator) -> Computation {
    match operator {
        HostOperator::NonZero => boxed(order::non_zero),
        HostOperator::Constant => boxed(create::constant),
        HostOperator::ConstantOfShape => boxed(create::constant_of_shape),
        HostOperator::Range => boxed(create::range),
        HostOperator::Window(kind) => boxed(move |call| signal::window(call, kind)),
        HostOperator::Dft => boxed(signal::dft),
        HostOperator::Stft => boxed(signal::stft),
        HostOperator::MelWeights => boxed(signal::mel_weights),
        HostOperator::Unique => boxed(unique::unique),
        HostOperator::TfIdf => boxed(unique::tf_idf),
        HostOperator::CumProd => boxed(newer::cumulative_product),
        HostOperator::BitCast => boxed(newer::bit_cast),
        HostOperator::NonMaxSuppression => boxed(boxes::non_max_suppression),
        HostOperator::MaxUnpool => boxed(boxes::max_unpool),
    }
}
