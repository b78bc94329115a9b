//! Matrix products.

use tilewright_ops::{MatMul, SliceRange};
use tilewright_tensor::{MatMulCall, Tensor};

use super::node::{Ctx, signed};
use super::value::Value;
use crate::error::Result;

/// NumPy's rule: a vector on the left is a row, one on the right a column, and what was added goes again.
pub(super) fn matmul(ctx: &Ctx) -> Result<Vec<Value>> {
    let left = ctx.float(0)?;
    if left.rank() == 2
        && let Some(y) = in_parts(ctx, &left, &MatMul::default())?
    {
        return ctx.like_first([y]);
    }
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

/// The product with a constant matrix that is larger than the device can bind (128 MiB on software Vulkan; VGG's first
/// linear layer has 392): row blocks of it, each a constant of its own. `None` if it fits.
fn in_parts(ctx: &Ctx, a: &Tensor, op: &MatMul) -> Result<Option<Tensor>> {
    let Value::Host(constant) = ctx.value(1)? else { return Ok(None) };
    let limit = ctx.context.limits().max_storage_buffer_binding_size;
    let &[rows, columns] = constant.host().shape() else { return Ok(None) };
    if (constant.host().count() as u64).saturating_mul(4) <= limit || !constant.host().dtype().is_float() {
        return Ok(None);
    }
    let most = usize::try_from(limit / 4).unwrap_or(usize::MAX) / columns.max(1);
    if most == 0 {
        return Err(ctx.unsupported(format!("a matrix with rows of {columns} elements on this device")));
    }
    let values = constant.host().to_f32();
    let parts = rows.div_ceil(most);
    let each = rows.div_ceil(parts);
    let mut products = Vec::with_capacity(parts);
    for (part, block) in values.chunks(each * columns).enumerate() {
        let (start, count) = (part * each, block.len() / columns);
        let block = ctx.tensor(block, &[count, columns])?;
        products.push(if op.transpose_right {
            a.matmul_with(&block, &MatMulCall::new(*op))?
        } else {
            // Rows are what is summed over.
            let over = if op.transpose_left { 0 } else { 1 };
            let mut ranges: Vec<_> = a.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
            ranges[over] = SliceRange::new(start, start + count);
            a.slice(&ranges)?.matmul_with(&block, &MatMulCall::new(*op))?
        });
    }
    if op.transpose_right {
        return Ok(Some(Tensor::concat(&products.iter().collect::<Vec<_>>(), 1)?));
    }
    let mut sum: Option<Tensor> = None;
    for product in products {
        sum = Some(match sum {
            Some(sum) => sum.add(&product)?,
            None => product,
        });
    }
    Ok(sum)
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
    if let Some(y) = in_parts(ctx, &a, &op)? {
        let y = scaled(y, alpha)?;
        return Ok(match c {
            Some(c) if beta != 0.0 => y.add(&scaled(c, beta)?)?,
            _ => y,
        });
    }
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
