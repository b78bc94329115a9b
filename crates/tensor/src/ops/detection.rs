//! What detectors do with boxes and regions.

use tilewright_ops::{Gradient, Nms, Op, RoiAlign, RoiPool};

use super::{pooling::four, results::results};
use crate::{error::Result, tensor::Tensor};

impl Tensor {
    /// Which of these boxes are kept, as i32 of 0 and 1 (images × boxes). The boxes, images × boxes × 4 (x1 y1 x2 y2), stand best
    /// first in each image; those of different `classes` (i32, images × boxes) do not suppress each other, and a class below 0
    /// means that there is no box. Nothing is read back. [`Tensor::batched_nms`] sorts boxes by their scores and gives the places
    /// of those that are kept.
    ///
    /// # Errors
    /// Those of [`Nms::output_shape`]; a limit of the runtime where the square of the boxes of an image, an eighth of a byte each,
    /// is more than the device binds.
    pub fn nms_keep(&self, classes: &Self, op: Nms) -> Result<Self> {
        Self::run_one(&Op::Nms(op), &[self, classes])
    }

    /// The mean of interpolated samples in each bin of each region, K C OH OW: `torchvision.ops.roi_align`. `self` is N C H W, each
    /// row of `rois` (K × 5) an image's number and x1 y1 x2 y2. A sample more than one pixel outside of the image is 0. A region of
    /// no image gives 0, one with a number that is none gives NaN.
    ///
    /// # Errors
    /// Those of [`RoiAlign::output_shape`].
    pub fn roi_align(&self, rois: &Self, op: &RoiAlign) -> Result<Self> {
        Self::run_one(&Op::RoiAlign(*op), &[self, rois])
    }

    /// The gradient of the input of shape `x_shape` (N C H W) through [`Self::roi_align`]. Regions with a number that is none add
    /// nothing. What several regions add to a pixel is added in their order.
    ///
    /// # Errors
    /// Those of [`RoiAlign::output_shape`].
    pub fn roi_align_backward(op: &RoiAlign, x_shape: &[usize], rois: &Self, grad_y: &Self) -> Result<Self> {
        let x_shape = four("roi_align_backward", x_shape)?;
        Self::run_one(&Op::Gradient(Gradient::RoiAlign { op: *op, x_shape }), &[rois, grad_y])
    }

    /// The largest element in each bin of each region, K C OH OW, and where it was: an i32 tensor of the same shape with the flat
    /// index in the H·W plane. `torchvision.ops.roi_pool`. `self` is N C H W, each row of `rois` (K × 5) an image's number and
    /// x1 y1 x2 y2, which are rounded to pixels. A bin without pixels, and a region of no image, give 0 and the index −1; a region
    /// with a number that is none gives NaN and −1.
    ///
    /// # Errors
    /// Those of [`RoiPool::output_shape`].
    pub fn roi_pool(&self, rois: &Self, op: &RoiPool) -> Result<(Self, Self)> {
        let op = Op::RoiPool(*op);
        let [y, indices] = results(&op, Self::run(&op, &[self, rois])?)?;
        Ok((y, indices))
    }

    /// The gradient of the input of shape `x_shape` (N C H W) through [`Self::roi_pool`]: each element of `grad_y` goes to the pixel
    /// that `indices` names, if it lies in its bin; what several bins add to one is added in their order.
    ///
    /// # Errors
    /// Those of [`RoiPool::output_shape`].
    pub fn roi_pool_backward(
        op: &RoiPool,
        x_shape: &[usize],
        [rois, indices]: [&Self; 2],
        grad_y: &Self,
    ) -> Result<Self> {
        let x_shape = four("roi_pool_backward", x_shape)?;
        Self::run_one(&Op::Gradient(Gradient::RoiPool { op: *op, x_shape }), &[rois, indices, grad_y])
    }
}
