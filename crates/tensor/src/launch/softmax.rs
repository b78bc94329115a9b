//! Softmax and its logarithm along an axis.

use tilewright_kernels::reduction;
use tilewright_ops::DType;

use crate::{error::Result, tensor::Tensor};

pub(super) fn softmax(op: &'static str, axis: usize, x: &Tensor) -> Result<Tensor> {
    let y = x.like(DType::F32)?;
    if x.count() > 0 {
        reduction::softmax(x.context(), op, x.buffer(), y.buffer(), x.lines(axis))?;
    }
    Ok(y)
}

pub(super) fn backward(op: &'static str, axis: usize, y: &Tensor, grad_y: &Tensor) -> Result<Tensor> {
    let grad_x = y.like(DType::F32)?;
    if y.count() == 0 {
        return Ok(grad_x);
    }
    let grad_y = grad_y.to_layout(y.layout())?;
    let (context, lines) = (y.context(), y.lines(axis));
    let (from, to) = (grad_y.buffer(), grad_x.buffer());
    if reduction::softmax_backward_lanes(context, op, y.buffer(), from, to, lines)? {
        return Ok(grad_x);
    }
    let weighted = if op == "softmax" { grad_y.mul(y)? } else { grad_y.clone() };
    // It lies as y does, so that its elements are in the order of the lines.
    let sums = weighted.sum(&[axis], true)?;
    reduction::softmax_backward(context, op, y.buffer(), from, sums.buffer(), to, lines)?;
    Ok(grad_x)
}
