//! Running sums along an axis.

use tilewright_ops::{CumSum, Op};

use crate::{error::Result, tensor::Tensor};

impl Tensor {
    /// Running sums along an axis, `y[i] = Σ x[j]` over j ≤ i: `torch.cumsum`, with ONNX's `exclusive` and `reverse`. Same
    /// shape and layout.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Axis`]; [`crate::Error::DType`] unless f32.
    pub fn cumsum(&self, op: &CumSum) -> Result<Self> {
        Self::run_one(&Op::CumSum(*op), &[self])
    }
}
