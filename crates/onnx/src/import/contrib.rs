//! Operators of `com.microsoft`: what ONNX Runtime's optimiser makes of the standard ones.

use tilewright_ops::UnaryOp;
use tilewright_tensor::Tensor;

use super::activation::sigmoid_weighted;
use super::node::Ctx;
use super::value::Value;
use super::{convolution, matmul, qmatmul, qreal, quantized};
use crate::error::Result;
use crate::table::operator::Contrib;

pub(super) fn contrib(ctx: &Ctx, operator: Contrib) -> Result<Vec<Value>> {
    match operator {
        Contrib::Gelu => ctx.like_first([ctx.float(0)?.unary(UnaryOp::Gelu)?]),
        Contrib::BiasGelu => ctx.like_first([ctx.float(0)?.add(&ctx.float(1)?)?.unary(UnaryOp::Gelu)?]),
        Contrib::FastGelu => {
            let x = ctx.float(0)?;
            let x = if ctx.has(1) { x.add(&ctx.float(1)?)? } else { x };
            ctx.like_first([x.unary(UnaryOp::GeluTanh)?])
        }
        Contrib::QuickGelu => {
            let alpha = ctx.node.attributes.float("alpha", 1.702)?;
            ctx.like_first([sigmoid_weighted(&ctx.float(0)?, alpha)?])
        }
        Contrib::FusedMatMul => fused_matmul(ctx),
        Contrib::QLinearAdd => quantized::add(ctx),
        Contrib::QLinearAveragePool => quantized::average_pool(ctx),
        Contrib::QLinearGlobalAveragePool => quantized::global_average_pool(ctx),
        Contrib::QGemm => qmatmul::gemm(ctx),
        Contrib::QLinearConcat => qreal::concat(ctx),
        Contrib::QLinearMul => qreal::multiply(ctx),
        Contrib::QLinearSigmoid => qreal::unary(ctx, UnaryOp::Sigmoid),
        Contrib::QLinearLeakyRelu => {
            qreal::unary(ctx, UnaryOp::LeakyRelu { slope: ctx.node.attributes.float("alpha", 0.01)? })
        }
        Contrib::FusedGemm => {
            let attributes = &ctx.node.attributes;
            let y = matmul::gemm_tensor(ctx)?;
            let numbers =
                [attributes.float_ref("activation_alpha")?, attributes.float_ref("activation_beta")?];
            ctx.like_first([activated(ctx, y, &numbers.map(|number| number.copied()))?])
        }
        Contrib::FusedConv => {
            let y = convolution::conv_tensor(ctx)?;
            let y = if ctx.has(3) { y.add(&ctx.float(3)?)? } else { y };
            let given = ctx.node.attributes.floats("activation_params")?.unwrap_or(&[]);
            ctx.like_first([activated(ctx, y, &[given.first().copied(), given.get(1).copied()])?])
        }
    }
}

/// The function that `activation` names, with its numbers in the order of its own attributes.
fn activated(ctx: &Ctx, y: Tensor, numbers: &[Option<f32>; 2]) -> Result<Tensor> {
    let attributes = &ctx.node.attributes;
    let number = |at: usize, default: f32| numbers[at].unwrap_or(default);
    let op = match attributes.string("activation")?.unwrap_or("") {
        "" => return Ok(y),
        "Relu" => UnaryOp::Relu,
        "Sigmoid" => UnaryOp::Sigmoid,
        "Tanh" => UnaryOp::Tanh,
        "LeakyRelu" => UnaryOp::LeakyRelu { slope: number(0, 0.01) },
        "Elu" => UnaryOp::Elu { alpha: number(0, 1.0) },
        "Softplus" => UnaryOp::Softplus,
        "Softsign" => UnaryOp::Softsign,
        "ThresholdedRelu" => UnaryOp::ThresholdedRelu { threshold: number(0, 1.0) },
        "HardSigmoid" => UnaryOp::HardSigmoid { slope: number(0, 0.2), offset: number(1, 0.5) },
        "Clip" => UnaryOp::Clamp { min: number(0, f32::NEG_INFINITY), max: number(1, f32::INFINITY) },
        other => return Err(attributes.wrong("activation", format!("`{other}` is unknown"))),
    };
    Ok(y.unary(op)?)
}

/// α · A · B, of which each may be turned: its last two axes, or its batches with the last but one.
fn fused_matmul(ctx: &Ctx) -> Result<Vec<Value>> {
    let attributes = &ctx.node.attributes;
    let turned = |index: usize, matrix: &str, batch: &str| -> Result<Tensor> {
        let mut x = ctx.float(index)?;
        let rank = x.rank();
        if attributes.flag(batch, false)? && rank > 2 {
            // The first axis goes behind the other batches, where the rows are.
            let mut order: Vec<usize> = (1..rank - 1).collect();
            order.extend([0, rank - 1]);
            x = x.permute(&order)?;
        }
        if attributes.flag(matrix, false)? && rank > 1 {
            let mut order: Vec<usize> = (0..rank).collect();
            order.swap(rank - 2, rank - 1);
            x = x.permute(&order)?;
        }
        Ok(x)
    };
    let (a, b) = (turned(0, "transA", "transBatchA")?, turned(1, "transB", "transBatchB")?);
    let y = matmul::product(&a, &b)?;
    let alpha = attributes.float("alpha", 1.0)?;
    ctx.like_first([if alpha == 1.0 { y } else { y.scale(alpha)? }])
}
