//! Operators on bytes that have no operation of their own: by way of real numbers, or of words.

use tilewright_ops::{Op, Quantized, UnaryOp, broadcast_shapes};
use tilewright_tensor::Tensor;

use super::node::{Ctx, device};
use super::quantized::{Means, means, result};
use super::value::Value;
use crate::error::Result;
use crate::params::axis;
use crate::params::operands::Operands;

/// Scale and zero point as operands.
fn numbers(ctx: &Ctx, scale: f32, zero: i32) -> Result<[Tensor; 2]> {
    Ok([ctx.scalar(scale)?, Tensor::from_slice(ctx.context, &[zero], &[])?])
}

/// The real numbers that bytes, or words, stand for.
fn real(ctx: &Ctx, x: &Tensor, scale: f32, zero: i32) -> Result<Tensor> {
    let [scale, zero] = numbers(ctx, scale, zero)?;
    Ok(Tensor::run_one(&Op::Quantized(Quantized::Dequantize { axis: None }), &[x, &scale, &zero])?)
}

/// Real numbers as bytes in steps of `scale`.
fn steps(ctx: &Ctx, x: &Tensor, scale: f32, y: Means) -> Result<Vec<Value>> {
    let [scale, zero] = numbers(ctx, scale, y.zero)?;
    let op = Op::Quantized(Quantized::Quantize { dtype: y.steps().dtype, axis: None });
    Ok(vec![device(Tensor::run_one(&op, &[x, &scale, &zero])?, y.dtype)])
}

/// A function of each element. Operands: x, its scale and zero point; the result's.
pub(super) fn unary(ctx: &Ctx, op: UnaryOp) -> Result<Vec<Value>> {
    let (x, y) = (means(ctx, 0, 1)?, result(ctx, 3, ctx.dtype(0)?)?);
    let x = real(ctx, &ctx.bytes(0)?, x.scale, x.zero)?;
    steps(ctx, &x.unary(op)?, y.scale, y)
}

/// A product of whole numbers, broadcast. Operands: a, its scale and zero point; b's; the result's.
pub(super) fn multiply(ctx: &Ctx) -> Result<Vec<Value>> {
    let (a, b, y) = (means(ctx, 0, 1)?, means(ctx, 3, 4)?, result(ctx, 6, ctx.dtype(0)?)?);
    let (left, right) = (ctx.bytes(0)?, ctx.bytes(3)?);
    let shape = broadcast_shapes(left.shape(), right.shape()).map_err(tilewright_tensor::Error::from)?;
    let operands = [left.expand(&shape)?, right.expand(&shape)?];
    // In steps of the result, as sums of products are.
    let multiplier = a.scale * b.scale / y.scale;
    let op = Op::Quantized(Quantized::Mul { zeros: [a.zero, b.zero], multiplier, y: y.steps() });
    Ok(vec![device(Tensor::run_one(&op, &[&operands[0], &operands[1]])?, y.dtype)])
}

/// Operands: the result's scale and zero point; of each part the bytes, their scale and zero point.
pub(super) fn concat(ctx: &Ctx) -> Result<Vec<Value>> {
    let count = ctx.inputs.len().saturating_sub(2);
    if count == 0 || !count.is_multiple_of(3) {
        return Err(ctx.wrong(format!("{count} operands behind the result's, which are three for each part")));
    }
    let axis = ctx.check(axis::one(ctx.node.attributes.int("axis", 0)?, ctx.shape(2)?.len()))?;
    let y = result(ctx, 0, ctx.dtype(2)?)?;
    let mut parts = Vec::with_capacity(count / 3);
    for at in (2..ctx.inputs.len()).step_by(3) {
        let x = means(ctx, at, at + 1)?;
        let bytes = ctx.bytes(at)?;
        let same = x.scale == y.scale && x.zero == y.zero && x.dtype == y.dtype;
        parts.push(if same {
            bytes
        } else {
            let real = real(ctx, &bytes, x.scale, x.zero)?;
            match steps(ctx, &real, y.scale, y)?.pop() {
                Some(Value::Device { tensor, .. }) => tensor,
                _ => return Err(ctx.wrong("a part has no numbers")),
            }
        });
    }
    let whole = Tensor::concat(&parts.iter().collect::<Vec<_>>(), axis)?;
    Ok(vec![device(whole, y.dtype)])
}
