//! What detectors do with boxes and regions. Images lie channels-last.

use tilewright_kernels::detection;
use tilewright_ops::{DType, Nms, RoiAlign, RoiPool};

use super::shape::four;
use crate::{error::Result, layout::Layout, tensor::Tensor};

/// Which boxes are kept.
pub(super) fn nms(op: Nms, [boxes, classes]: [&Tensor; 2], shape: &[usize]) -> Result<Tensor> {
    let boxes = boxes.to_layout(Layout::RowMajor)?;
    let classes = classes.to_layout(Layout::RowMajor)?;
    let keep = Tensor::empty(boxes.context(), shape, DType::I32, Layout::RowMajor)?;
    let (context, counts) = (boxes.context(), [shape[0], shape[1]]);
    detection::nms(context, op, counts, boxes.buffer(), classes.buffer(), keep.buffer())?;
    Ok(keep)
}

/// The means of bins.
pub(super) fn roi_align(op: &RoiAlign, [x, rois]: [&Tensor; 2], shape: &[usize]) -> Result<Tensor> {
    let x = x.to_layout(Layout::ChannelsLast)?;
    let rois = rois.to_layout(Layout::RowMajor)?;
    let y = Tensor::empty(x.context(), shape, DType::F32, Layout::ChannelsLast)?;
    let buffers = [x.buffer(), rois.buffer(), y.buffer()];
    detection::roi_align(x.context(), op, four(x.shape()), shape[0], buffers)?;
    Ok(y)
}

pub(super) fn roi_align_backward(
    op: &RoiAlign,
    x_shape: [usize; 4],
    [rois, grad_y]: [&Tensor; 2],
) -> Result<Tensor> {
    let rois = rois.to_layout(Layout::RowMajor)?;
    let grad_y = grad_y.to_layout(Layout::ChannelsLast)?;
    let grad_x = Tensor::empty(grad_y.context(), &x_shape, DType::F32, Layout::ChannelsLast)?;
    let buffers = [rois.buffer(), grad_y.buffer(), grad_x.buffer()];
    detection::roi_align_backward(grad_y.context(), op, x_shape, rois.shape()[0], buffers)?;
    Ok(grad_x)
}

/// The largest elements of bins, and where they were.
pub(super) fn roi_pool(op: &RoiPool, [x, rois]: [&Tensor; 2], shape: &[usize]) -> Result<Vec<Tensor>> {
    let x = x.to_layout(Layout::ChannelsLast)?;
    let rois = rois.to_layout(Layout::RowMajor)?;
    let y = Tensor::empty(x.context(), shape, DType::F32, Layout::ChannelsLast)?;
    let indices = Tensor::empty(x.context(), shape, DType::I32, Layout::ChannelsLast)?;
    let buffers = [x.buffer(), rois.buffer(), y.buffer(), indices.buffer()];
    detection::roi_pool(x.context(), op, four(x.shape()), shape[0], buffers)?;
    Ok(vec![y, indices])
}

pub(super) fn roi_pool_backward(
    op: &RoiPool,
    x_shape: [usize; 4],
    [rois, indices, grad_y]: [&Tensor; 3],
) -> Result<Tensor> {
    let rois = rois.to_layout(Layout::RowMajor)?;
    let indices = indices.to_layout(Layout::ChannelsLast)?;
    let grad_y = grad_y.to_layout(Layout::ChannelsLast)?;
    let grad_x = Tensor::empty(grad_y.context(), &x_shape, DType::F32, Layout::ChannelsLast)?;
    let buffers = [rois.buffer(), indices.buffer(), grad_y.buffer(), grad_x.buffer()];
    detection::roi_pool_backward(grad_y.context(), op, x_shape, rois.shape()[0], buffers)?;
    Ok(grad_x)
}
