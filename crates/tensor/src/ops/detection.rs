//! What detectors do with boxes and regions.

use tilewright_ops::{Nms, Op};

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
}
