//! Lines divided by their norm.

use super::norm::{l1_norm, l2_norm};
use super::operand::{Operand, parameter};
use crate::error::Error;
use crate::tensor::Tensor;

/// `x / ‖x‖ₚ` along `axis`, with p 1 or 2.
pub fn lp_normalize<V: Operand>(x: &V, p: usize, axis: usize) -> Result<V, V::Error> {
    let norm = match p {
        1 => l1_norm(x, &[axis], true)?,
        2 => l2_norm(x, &[axis], true)?,
        other => return Err(parameter::<V>("lp_normalize", "p", other, "it must be 1 or 2")),
    };
    x.div(&norm)
}

impl Tensor {
    /// `x / ‖x‖ₚ` along `axis`, with p 1 or 2, as ONNX's LpNormalization; PyTorch's `torch.nn.functional.normalize` with
    /// `eps=0`. A line of zeros gives NaN.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Parameter`] for another p; those of [`Tensor::reduce`].
    pub fn lp_normalize(&self, p: usize, axis: usize) -> Result<Self, Error> {
        lp_normalize(self, p, axis)
    }
}
