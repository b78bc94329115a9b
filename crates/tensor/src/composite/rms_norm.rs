//! Normalisation by the root of the mean square.

use tilewright_ops::{ReduceOp, UnaryOp};

use super::operand::{Operand, rank};
use crate::error::Error;
use crate::tensor::Tensor;

/// x / √(mean of x² + eps) over the axes from `first` on, times a weight of their shape.
pub fn rms_norm<V: Operand>(x: &V, first: usize, weight: Option<&V>, eps: f32) -> Result<V, V::Error> {
    let axes: Vec<usize> = (first..x.shape().len()).collect();
    if axes.is_empty() {
        return Err(rank::<V>("rms_norm", "x", x.shape(), "more than the first axis to normalise"));
    }
    let mean = x.unary(UnaryOp::Square)?.reduce(ReduceOp::Mean, &axes, true)?;
    let root = mean.unary(UnaryOp::AddScalar { value: eps })?.unary(UnaryOp::Sqrt)?;
    let y = x.div(&root)?;
    match weight {
        Some(weight) => y.mul(weight),
        None => Ok(y),
    }
}

impl Tensor {
    /// x / √(mean of x² + eps) over the axes from `first` on, times a weight that broadcasts to x: PyTorch's
    /// `torch.nn.functional.rms_norm` (Zhang and Sennrich, arXiv 1910.07467).
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`] if there is no such axis; those of [`Tensor::reduce`] and [`Tensor::binary`].
    pub fn rms_norm(&self, first: usize, weight: Option<&Self>, eps: f32) -> Result<Self, Error> {
        rms_norm(self, first, weight, eps)
    }
}
