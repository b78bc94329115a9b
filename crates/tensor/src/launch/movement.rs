//! Reshape, permute, slice, concat, split, pad, expand.

use tilewright_ops::{DType, SliceRange};

use crate::{error::Result, layout::Layout, tensor::Tensor};

pub(super) fn reshape(x: &Tensor, shape: &[usize]) -> Result<Tensor> {
    Ok(x.to_layout(Layout::RowMajor)?.relabel(shape, Layout::RowMajor))
}

pub(super) fn permute(axes: &[usize], x: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let own = x.strides();
    let strides: Vec<_> = axes.iter().map(|&axis| own[axis]).collect();
    x.copy_to("permute", shape, &strides, 0, Layout::RowMajor)
}

pub(super) fn slice(ranges: &[SliceRange], x: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let (offset, strides) = taken(ranges, &x.strides());
    x.copy_to("slice", shape, &strides, offset as usize, x.layout())
}

/// Puts `grad_y` back to where a slice took it from, in zeros.
pub(super) fn slice_backward(ranges: &[SliceRange], grad_y: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let y = Tensor::empty(grad_y.context(), shape, DType::F32, grad_y.layout())?;
    y.fill(0)?;
    let (offset, strides) = taken(ranges, &y.strides());
    grad_y.copy_into("slice_backward", &y, offset, &strides)?;
    Ok(y)
}

pub(super) fn concat(axis: usize, tensors: &[&Tensor], shape: &[usize]) -> Result<Tensor> {
    let first = tensors[0];
    if let Some(wide) = first.words() {
        let wide: Vec<_> =
            tensors.iter().map(|tensor| tensor.without_quantization().cast(wide)).collect::<Result<_>>()?;
        return concat(axis, &wide.iter().collect::<Vec<_>>(), shape)?.cast(first.dtype());
    }
    let y = Tensor::empty(first.context(), shape, first.dtype(), first.layout())?;
    let strides = y.strides();
    let mut at = 0;
    for tensor in tensors {
        tensor.copy_into("concat", &y, at * strides[axis], &strides)?;
        at += tensor.shape()[axis] as isize;
    }
    Ok(y)
}

pub(super) fn split(axis: usize, parts: &[usize], x: &Tensor) -> Result<Vec<Tensor>> {
    let mut ranges: Vec<_> = x.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
    let mut at = 0;
    let mut results = Vec::with_capacity(parts.len());
    for &part in parts {
        ranges[axis] = SliceRange::new(at, at + part);
        let mut shape = x.shape().to_vec();
        shape[axis] = part;
        results.push(slice(&ranges, x, &shape)?);
        at += part;
    }
    Ok(results)
}

pub(super) fn pad(padding: &[(usize, usize)], value: f32, x: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let y = Tensor::empty(x.context(), shape, DType::F32, x.layout())?;
    y.fill(value.to_bits())?;
    let strides = y.strides();
    let offset: isize =
        padding.iter().zip(&strides).map(|((before, _), stride)| *before as isize * stride).sum();
    x.copy_into("pad", &y, offset, &strides)?;
    Ok(y)
}

pub(super) fn expand(x: &Tensor, shape: &[usize]) -> Result<Tensor> {
    x.copy_to("expand", shape, &x.broadcast_strides(shape), 0, x.layout())
}

/// Where a slice begins in memory with `own` strides, and its strides there.
fn taken(ranges: &[SliceRange], own: &[isize]) -> (isize, Vec<isize>) {
    let mut strides = own.to_vec();
    let mut offset = 0;
    for (axis, range) in ranges.iter().enumerate() {
        offset += range.start as isize * own[axis];
        // A step past the end leads nowhere, and may be too large to multiply.
        strides[axis] = if range.len() > 1 { own[axis] * range.step as isize } else { 0 };
    }
    (offset, strides)
}
