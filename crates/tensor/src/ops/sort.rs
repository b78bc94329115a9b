//! The largest or smallest elements along an axis, in order.

use tilewright_ops::{Gradient, Op, TopK};

use super::results::results;
use crate::{error::Result, tensor::Tensor};

impl Tensor {
    /// The k largest (or smallest) elements along an axis, best first, and their indices along it (i32): `torch.topk`, ONNX's
    /// TopK. Of equal elements the lower index comes first, so that with k of the whole axis it is a stable sort.
    ///
    /// # Errors
    /// Those of [`TopK::output_shape`]; [`crate::Error::DType`] unless f32.
    pub fn topk(&self, op: TopK) -> Result<(Self, Self)> {
        let op = Op::TopK(op);
        let [values, indices] = results(&op, Self::run(&op, &[self])?)?;
        Ok((values, indices))
    }

    /// The gradient of an operand of `x_shape` through [`Self::topk`]: `grad_values` at `indices`, and 0 elsewhere.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Operand`] where either has another shape than the values.
    pub fn topk_backward(op: TopK, x_shape: &[usize], indices: &Self, grad_values: &Self) -> Result<Self> {
        let gradient = Gradient::TopK { op, shape: x_shape.to_vec() };
        Self::run_one(&Op::Gradient(gradient), &[indices, grad_values])
    }
}
