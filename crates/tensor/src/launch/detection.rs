//! What detectors do with boxes and regions.

use tilewright_kernels::detection;
use tilewright_ops::{DType, Nms};

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
