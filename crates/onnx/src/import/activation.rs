//! Activations, softmax and its relatives.

use tilewright_ops::{BinaryOp, UnaryOp};
use tilewright_tensor::Tensor;

use super::node::{Ctx, signed};
use super::value::Value;
use crate::error::Result;
use crate::params::axis;
use crate::params::operands::Operands;
use crate::table::operator::Lines;

pub(super) fn prelu(ctx: &Ctx) -> Result<Vec<Value>> {
    let (x, slope) = (ctx.float(0)?, ctx.float(1)?);
    // Before version 7 a vector of slopes was one for each channel.
    let per_channel = ctx.node.opset < 7 && slope.rank() == 1 && slope.count() != 1;
    let slope = if per_channel {
        let mut shape = vec![1; x.rank().saturating_sub(1)];
        if let Some(first) = shape.first_mut() {
            *first = -1;
        }
        slope.reshape(&shape)?
    } else {
        slope
    };
    ctx.like_first([x.binary(BinaryOp::Prelu, &slope)?])
}

/// x · sigmoid(α · x).
pub(super) fn swish(ctx: &Ctx) -> Result<Vec<Value>> {
    ctx.like_first([sigmoid_weighted(&ctx.float(0)?, ctx.node.attributes.float("alpha", 1.0)?)?])
}

/// x · sigmoid(α · x), also known as QuickGelu with α 1.702.
pub(super) fn sigmoid_weighted(x: &Tensor, alpha: f32) -> Result<Tensor> {
    if alpha == 1.0 {
        return Ok(x.unary(UnaryOp::Silu)?);
    }
    Ok(x.mul(&x.scale(alpha)?.unary(UnaryOp::Sigmoid)?)?)
}

/// Since version 13 along an axis; before, over all elements from an axis on.
pub(super) fn lines(ctx: &Ctx, function: Lines) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    let default = if ctx.node.opset < 13 { 1 } else { -1 };
    let given = ctx.node.attributes.int("axis", default)?;
    if ctx.node.opset >= 13 {
        let axis = ctx.check(axis::one(given, x.rank()))?;
        return ctx.like_first([along(function, &x, axis)?]);
    }
    let axis = ctx.check(axis::one(given, x.rank() + 1))?;
    let axis = if given < 0 { axis.saturating_sub(1) } else { axis };
    let product = |part: &[usize]| part.iter().product::<usize>() as isize;
    let rows = x.reshape(&[product(&x.shape()[..axis]), product(&x.shape()[axis..])])?;
    ctx.like_first([along(function, &rows, 1)?.reshape(&signed(x.shape()))?])
}

fn along(function: Lines, x: &Tensor, axis: usize) -> Result<Tensor> {
    Ok(match function {
        Lines::Softmax => x.softmax(axis)?,
        Lines::LogSoftmax => x.log_softmax(axis)?,
        Lines::Hardmax => x.hardmax(axis)?,
    })
}
