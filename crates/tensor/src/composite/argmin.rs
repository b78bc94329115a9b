//! Places of smallest and of last elements.

use tilewright_ops::{DType, UnaryOp};

use super::hardmax::MOST;
use super::operand::parameter;
use crate::error::Error;
use crate::tensor::Tensor;

impl Tensor {
    /// Where the smallest element over `axes` (none means all) lies, as i32, as [`Tensor::argmax`]: the first of equal
    /// elements wins. `torch.argmin`.
    ///
    /// # Errors
    /// Those of [`Tensor::argmax`].
    pub fn argmin(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        self.unary(UnaryOp::Neg)?.argmax(axes, keepdim)
    }

    /// As [`Tensor::argmax`] along one axis, but the last of equal elements wins: ONNX's `select_last_index`.
    ///
    /// # Errors
    /// Those of [`Tensor::argmax`]; [`tilewright_ops::ShapeError::Parameter`] for an axis of 2²⁴ elements or more.
    pub fn argmax_last(&self, axis: usize, keepdim: bool) -> Result<Self, Error> {
        let op = "argmax_last";
        let axis = tilewright_ops::normalize_axis(op, axis as isize, self.shape())?;
        let extent = self.shape()[axis];
        if extent >= MOST {
            let hint = "an axis must have fewer than 2^24 elements";
            return Err(parameter::<Self>(op, "extent", extent, hint));
        }
        // The first from behind.
        let backwards: Vec<i32> = (0..extent as i32).rev().collect();
        let backwards = Self::from_slice(self.context(), &backwards, &[extent])?;
        let place = self.gather(axis, &backwards)?.argmax(&[axis], keepdim)?.cast(DType::F32)?;
        let counted = place.unary(UnaryOp::MulScalar { value: -1.0 })?;
        counted.unary(UnaryOp::AddScalar { value: extent.saturating_sub(1) as f32 })?.cast(DType::I32)
    }

    /// As [`Tensor::argmin`] along one axis, but the last of equal elements wins.
    ///
    /// # Errors
    /// Those of [`Tensor::argmax_last`].
    pub fn argmin_last(&self, axis: usize, keepdim: bool) -> Result<Self, Error> {
        self.unary(UnaryOp::Neg)?.argmax_last(axis, keepdim)
    }
}
