//! The place of the largest element as a line of 0 and 1.

use tilewright_ops::{BinaryOp, DType};

use super::operand::parameter;
use crate::error::Error;
use crate::tensor::Tensor;

/// Places that an f32 tells apart.
pub(super) const MOST: usize = 1 << 24;

impl Tensor {
    /// 1 at the first of the largest elements along `axis`, elsewhere 0: ONNX's Hardmax. It has no gradient.
    ///
    /// # Errors
    /// Those of [`Tensor::argmax`]; [`tilewright_ops::ShapeError::Parameter`] for an axis of 2²⁴ elements or more.
    pub fn hardmax(&self, axis: usize) -> Result<Self, Error> {
        let best = self.argmax(&[axis], true)?.cast(DType::F32)?;
        let extent = self.shape()[axis];
        if extent >= MOST {
            let hint = "an axis must have fewer than 2^24 elements";
            return Err(parameter::<Self>("hardmax", "extent", extent, hint));
        }
        let mut shape = vec![1; self.rank()];
        shape[axis] = extent;
        let places: Vec<f32> = (0..extent).map(|at| at as f32).collect();
        Self::from_slice(self.context(), &places, &shape)?.binary(BinaryOp::Equal, &best)
    }
}
