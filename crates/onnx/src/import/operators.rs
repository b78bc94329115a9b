//! What each operator of the table is on the device.

use super::node::Ctx;
use super::value::Value;
use super::{
    activation, attention, contrib, convolution, einsum, elementwise, indexing, integers, loss, matmul,
    movement, normalization, pooling, qdynamic, qmatmul, quantized, reduction, resize, roi, sampling, scales,
    windows,
};
use crate::error::Result;
use crate::model::Node;
use crate::table::operator::{Operator, by_floats, by_name};
use crate::table::rows::on_device;

/// The operator of a node, or why there is none, if there is more to say.
pub(super) fn find(node: &Node) -> std::result::Result<Operator, Option<String>> {
    let opset = node.opset;
    match on_device(&node.operator()) {
        None => Err(None),
        Some((since, _)) if opset < since => {
            Err(Some(format!("the model uses operator set {opset}, and it is read from {since} on")))
        }
        Some((_, operator)) => Ok(operator),
    }
}

/// Runs a node on the device.
pub(super) fn on_tensors(ctx: &Ctx, operator: Operator) -> Result<Vec<Value>> {
    let attributes = &ctx.node.attributes;
    match operator {
        Operator::Unary(op) => elementwise::unary(ctx, op),
        Operator::UnaryFloats(names, build) => elementwise::unary(ctx, by_floats(attributes, names, build)?),
        Operator::UnaryChoice(name, choices) => elementwise::unary(ctx, by_name(attributes, name, choices)?),
        Operator::Binary(op) => elementwise::binary(ctx, op),
        Operator::Compare(comparison) => elementwise::compare(ctx, comparison),
        Operator::Logic(logic) => elementwise::logic(ctx, logic),
        Operator::Not => elementwise::not(ctx),
        Operator::Variadic(function) => elementwise::variadic(ctx, function),
        Operator::Where => elementwise::choose(ctx),
        Operator::Clip => elementwise::clip(ctx),
        Operator::Cast => elementwise::cast(ctx),
        Operator::CastLike => elementwise::cast_like(ctx),
        Operator::Mod => elementwise::modulo(ctx),
        Operator::BitwiseNot => integers::not(ctx),
        Operator::IsNaN => elementwise::is_nan(ctx),
        Operator::IsInf => elementwise::is_infinite(ctx),
        Operator::EyeLike => movement::eye_like(ctx),
        Operator::Bits(op) => integers::bits(ctx, op),
        Operator::Prelu => activation::prelu(ctx),
        Operator::Lines(function) => activation::lines(ctx, function),
        Operator::MatMul => matmul::matmul(ctx),
        Operator::Gemm => matmul::gemm(ctx),
        Operator::Conv => convolution::conv(ctx),
        Operator::ConvTranspose => convolution::conv_transpose(ctx),
        Operator::MaxPool => pooling::max_pool(ctx),
        Operator::AveragePool => pooling::average_pool(ctx),
        Operator::GlobalPool(op) => pooling::global(ctx, op),
        Operator::BatchNorm => normalization::batch_norm(ctx),
        Operator::InstanceNorm => normalization::instance_norm(ctx),
        Operator::LayerNorm => normalization::layer_norm(ctx),
        Operator::GroupNorm => normalization::group_norm(ctx),
        Operator::MeanVarianceNorm => normalization::mean_variance(ctx),
        Operator::LpNorm => normalization::lp_norm(ctx),
        Operator::LocalResponseNorm => normalization::local_response_norm(ctx),
        Operator::Dropout => normalization::dropout(ctx),
        Operator::Reduce(op) => reduction::reduce(ctx, op),
        Operator::Arg(extreme) => reduction::arg(ctx, extreme),
        Operator::CumSum => reduction::cumulative_sum(ctx),
        Operator::TopK => reduction::topk(ctx),
        Operator::Identity => movement::identity(ctx),
        Operator::Relabel(how) => movement::relabel(ctx, how),
        Operator::Shape => movement::shape(ctx),
        Operator::Size => movement::size(ctx),
        Operator::Transpose => movement::transpose(ctx),
        Operator::Concat => movement::concat(ctx),
        Operator::Split => movement::split(ctx),
        Operator::Slice => movement::slice(ctx),
        Operator::Expand => movement::expand(ctx),
        Operator::Tile => movement::tile(ctx),
        Operator::Pad => movement::pad(ctx),
        Operator::DepthToSpace => movement::depth_to_space(ctx),
        Operator::SpaceToDepth => movement::space_to_depth(ctx),
        Operator::Gather => indexing::gather(ctx),
        Operator::GatherElements => indexing::gather_elements(ctx),
        Operator::GatherNd => indexing::gather_nd(ctx),
        Operator::ScatterElements => indexing::scatter_elements(ctx),
        Operator::ScatterNd => indexing::scatter_nd(ctx),
        Operator::OneHot => indexing::one_hot(ctx),
        Operator::Trilu => movement::trilu(ctx),
        // With known indices each element comes from a known place.
        Operator::Compress | Operator::ReverseSequence => ctx.moved_by_host(),
        Operator::Resize => resize::resize(ctx),
        Operator::Upsample => resize::upsample(ctx),
        Operator::NegativeLogLikelihood => loss::negative_log_likelihood(ctx),
        Operator::SoftmaxCrossEntropy => loss::cross_entropy(ctx),
        Operator::Swish => activation::swish(ctx),
        Operator::RmsNorm => normalization::rms_norm(ctx),
        Operator::Attention => attention::attention(ctx),
        Operator::RotaryEmbedding => attention::rotary_embedding(ctx),
        Operator::Einsum => einsum::einsum(ctx),
        Operator::LpPool => pooling::lp_pool(ctx),
        Operator::GlobalLpPool => pooling::global_lp(ctx),
        Operator::Det => ctx.like_first([ctx.float(0)?.det()?]),
        Operator::CenterCropPad => movement::center_crop_pad(ctx),
        Operator::AffineGrid => sampling::affine_grid(ctx),
        Operator::GridSample => sampling::grid_sample(ctx),
        Operator::Col2Im => windows::col2im(ctx),
        Operator::RoiAlign => roi::roi_align(ctx),
        Operator::MaxRoiPool => roi::max_roi_pool(ctx),
        Operator::DeformConv => windows::deform_conv(ctx),
        Operator::Quantize => scales::quantize(ctx),
        Operator::Dequantize => scales::dequantize(ctx),
        Operator::DynamicQuantize => qdynamic::quantize(ctx),
        Operator::QLinearConv => quantized::conv(ctx),
        Operator::ConvInteger => quantized::conv_integer(ctx),
        Operator::QLinearMatMul => qmatmul::matmul(ctx),
        Operator::MatMulInteger => qmatmul::matmul_integer(ctx),
        Operator::Contrib(operator) => contrib::contrib(ctx, operator),
    }
}
