//! Group normalisation (Wu and He, arXiv 1803.08494).

use super::moments::standardize;
use super::operand::{Operand, operand, parameter, rank};
use crate::error::Error;
use crate::tensor::Tensor;

const OP: &str = "group_norm";

/// `(x − mean) / √(variance + eps) · weight + bias` of N C …, with the biased moments of each of `groups` groups of
/// neighbouring channels of each image.
pub fn group_norm<V: Operand>(
    x: &V,
    groups: usize,
    weight: Option<&V>,
    bias: Option<&V>,
    eps: f32,
) -> Result<V, V::Error> {
    let shape = x.shape().to_vec();
    let [batch, channels, rest @ ..] = &shape[..] else {
        return Err(rank::<V>(OP, "x", &shape, "two or more (N C …)"));
    };
    if groups == 0 || !channels.is_multiple_of(groups) {
        return Err(parameter::<V>(OP, "groups", groups, "it must divide the channels"));
    }
    let grouped = [&[*batch, groups, channels / groups], rest].concat();
    let split = x.with_shape(&grouped)?;
    let y = standardize(&split, &(2..grouped.len()).collect::<Vec<_>>(), eps)?.y;
    per_channel(OP, &y.with_shape(&shape)?, weight, bias)
}

/// `y · weight + bias`, one of each for a channel of N C ….
pub(super) fn per_channel<V: Operand>(
    op: &'static str,
    y: &V,
    weight: Option<&V>,
    bias: Option<&V>,
) -> Result<V, V::Error> {
    let channels = y.shape().get(1).copied().unwrap_or(1);
    let mut shape = vec![1; y.shape().len().saturating_sub(1)];
    if let Some(first) = shape.first_mut() {
        *first = channels;
    }
    let factor = |name: &'static str, factor: &V| {
        if factor.shape() != [channels] {
            return Err(operand::<V>(op, name, factor.shape(), &[channels]));
        }
        factor.with_shape(&shape)
    };
    let mut y = y.clone();
    if let Some(weight) = weight {
        y = y.mul(&factor("weight", weight)?)?;
    }
    if let Some(bias) = bias {
        y = y.add(&factor("bias", bias)?)?;
    }
    Ok(y)
}

impl Tensor {
    /// Group normalisation of N C …: `(x − mean) / √(variance + eps) · weight + bias`, with the biased moments of each of
    /// `groups` groups of neighbouring channels of each image; weight and bias have shape `[C]`. PyTorch's
    /// `torch.nn.functional.group_norm`.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`] below two axes, [`tilewright_ops::ShapeError::Parameter`] for groups that do
    /// not divide the channels, [`tilewright_ops::ShapeError::Operand`]; [`Error::DType`] unless f32.
    pub fn group_norm(
        &self,
        groups: usize,
        weight: Option<&Self>,
        bias: Option<&Self>,
        eps: f32,
    ) -> Result<Self, Error> {
        group_norm(self, groups, weight, bias, eps)
    }
}
