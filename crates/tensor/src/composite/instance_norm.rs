//! Instance normalisation (Ulyanov et al., arXiv 1607.08022).

use super::group_norm::per_channel;
use super::moments::standardize;
use super::operand::{Operand, rank};
use crate::error::Error;
use crate::tensor::Tensor;

const OP: &str = "instance_norm";

/// `(x − mean) / √(variance + eps) · weight + bias` of N C …, with the biased moments of each channel of each image.
pub fn instance_norm<V: Operand>(
    x: &V,
    weight: Option<&V>,
    bias: Option<&V>,
    eps: f32,
) -> Result<V, V::Error> {
    let axes = x.shape().len();
    if axes < 3 {
        return Err(rank::<V>(OP, "x", x.shape(), "three or more (N C …)"));
    }
    let y = standardize(x, &(2..axes).collect::<Vec<_>>(), eps)?.y;
    per_channel(OP, &y, weight, bias)
}

impl Tensor {
    /// Instance normalisation of N C …: `(x − mean) / √(variance + eps) · weight + bias`, with the biased moments of each
    /// channel of each image; weight and bias have shape `[C]`. PyTorch's `torch.nn.functional.instance_norm` with the
    /// input's own statistics.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`] below three axes, [`tilewright_ops::ShapeError::Operand`]; [`Error::DType`]
    /// unless f32.
    pub fn instance_norm(&self, weight: Option<&Self>, bias: Option<&Self>, eps: f32) -> Result<Self, Error> {
        instance_norm(self, weight, bias, eps)
    }
}
