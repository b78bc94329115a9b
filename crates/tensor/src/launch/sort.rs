//! The largest or smallest elements along an axis, in order.

use tilewright_kernels::sort;
use tilewright_ops::{DType, TopK};

use crate::{error::Result, layout::Layout, tensor::Tensor};

/// Values and indices, which lie row-major.
pub(super) fn topk(op: TopK, x: &Tensor, shape: &[usize]) -> Result<Vec<Tensor>> {
    let x = x.to_layout(Layout::RowMajor)?;
    let values = Tensor::empty(x.context(), shape, DType::F32, Layout::RowMajor)?;
    let indices = Tensor::empty(x.context(), shape, DType::I32, Layout::RowMajor)?;
    if values.count() > 0 {
        let lines = x.lines(op.axis);
        sort::topk(x.context(), op, x.buffer(), values.buffer(), indices.buffer(), lines)?;
    }
    Ok(vec![values, indices])
}

pub(super) fn topk_backward(op: TopK, indices: &Tensor, grad_y: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let (indices, grad_y) = (indices.to_layout(Layout::RowMajor)?, grad_y.to_layout(Layout::RowMajor)?);
    let grad_x = Tensor::empty(grad_y.context(), shape, DType::F32, Layout::RowMajor)?;
    if grad_y.count() == 0 {
        grad_x.fill(0)?;
    } else {
        let lines = grad_x.lines(op.axis);
        let (from, by, to) = (grad_y.buffer(), indices.buffer(), grad_x.buffer());
        sort::topk_backward(grad_y.context(), op.k, from, by, to, lines)?;
    }
    Ok(grad_x)
}
