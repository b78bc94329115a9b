//! Matrix products.

use tilewright_ops::MatMul;
use tilewright_tensor::{MatMulCall, Tensor};

use super::node::{Ctx, signed};
use super::value::Value;
use crate::error::Result;

/// NumPy's rule: a vector on the left is a row, one on the right a column, and what was added goes again.
pub(super) fn matmul(ctx: &Ctx) -> Result<Vec<Value>> {
    let left = ctx.float(0)?;
    ctx.like_first([product(&left, &ctx.float(1)?)?])
}

/// The product by NumPy's rule.
pub(super) fn product(left: &Tensor, right: &Tensor) -> Result<Tensor> {
    let (row, column) = (left.rank() == 1, right.rank() == 1);
    let left = if row { left.reshape(&[1, -1])? } else { left.clone() };
    let right = if column { right.reshape(&[-1, 1])? } else { right.clone() };
    let y = left.matmul(&right)?;
    let mut shape = signed(y.shape());
    if column {
        shape.pop();
    }
    if row {
        shape.remove(shape.len() - usize::from(!column) - 1);
    }
    Ok(if row || column { y.reshape(&shape)? } else { y })
}

fn scaled(tensor: Tensor, factor: f32) -> Result<Tensor> {
    if factor == 1.0 { Ok(tensor) } else { Ok(tensor.scale(factor)?) }
}

pub(super) fn gemm(ctx: &Ctx) -> Result<Vec<Value>> {
    ctx.like_first([gemm_tensor(ctx)?])
}

/// α · A · B + β · C.
pub(super) fn gemm_tensor(ctx: &Ctx) -> Result<Tensor> {
    let attributes = &ctx.node.attributes;
    let op = MatMul {
        transpose_left: attributes.flag("transA", false)?,
        transpose_right: attributes.flag("transB", false)?,
    };
    let (alpha, beta) = (attributes.float("alpha", 1.0)?, attributes.float("beta", 1.0)?);
    let (a, c) = (ctx.float(0)?, ctx.optional(2)?);
    let b = ctx.float(1)?;
    let columns = if op.transpose_right { b.shape().first() } else { b.shape().last() };
    let columns = columns.copied().unwrap_or(0);
    // A vector of the usual kind is added by the product's own kernel.
    if let Some(bias) = c.as_ref().filter(|c| c.shape() == [columns] && alpha == 1.0) {
        let bias = scaled(bias.clone(), beta)?;
        return Ok(a.matmul_with(&b, &MatMulCall { bias: Some(&bias), ..MatMulCall::new(op) })?);
    }
    let y = scaled(a.matmul_with(&b, &MatMulCall::new(op))?, alpha)?;
    Ok(match c {
        Some(c) if beta != 0.0 => y.add(&scaled(c, beta)?)?,
        _ => y,
    })
}
