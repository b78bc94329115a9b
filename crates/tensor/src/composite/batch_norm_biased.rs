//! Batch normalisation in training whose running variance takes the biased variance.

use super::group_norm::per_channel;
use super::moments::{Standardized, standardize};
use super::operand::{Operand, operand, rank};
use crate::error::Error;
use crate::tensor::Tensor;

const OP: &str = "batch_norm_biased";

/// What [`batch_norm_biased`] gives.
#[derive(Clone, Debug)]
pub struct BatchNormBiased<V> {
    /// The normalised value, of x's shape.
    pub y: V,
    /// The running mean after this batch, `[C]`.
    pub running_mean: V,
    /// The running variance after this batch, `[C]`.
    pub running_var: V,
}

/// `(x − mean) / √(variance + eps) · weight + bias` of N C … with the moments of the batch; the running statistics become
/// `kept · old + (1 − kept) · new`, the new variance being the biased one.
pub fn batch_norm_biased<V: Operand>(
    x: &V,
    [weight, bias, running_mean, running_var]: [&V; 4],
    eps: f32,
    kept: f32,
) -> Result<BatchNormBiased<V>, V::Error> {
    let axes = x.shape().len();
    if axes < 2 {
        return Err(rank::<V>(OP, "x", x.shape(), "two or more (N C …)"));
    }
    let channels = [x.shape()[1]];
    for (name, statistic) in [("running_mean", running_mean), ("running_var", running_var)] {
        if statistic.shape() != channels {
            return Err(operand::<V>(OP, name, statistic.shape(), &channels));
        }
    }
    let over: Vec<usize> = (0..axes).filter(|&axis| axis != 1).collect();
    let Standardized { y, mean, variance, .. } = standardize(x, &over, eps)?;
    let y = per_channel(OP, &y, Some(weight), Some(bias))?;
    let blended = |old: &V, new: &V| -> Result<V, V::Error> {
        old.scale(kept)?.add(&new.reshape(&[-1])?.scale(1.0 - kept)?)
    };
    Ok(BatchNormBiased {
        y,
        running_mean: blended(running_mean, &mean)?,
        running_var: blended(running_var, &variance)?,
    })
}

impl Tensor {
    /// Batch normalisation of N C … in training as ONNX and TensorFlow define it: the running variance takes the biased
    /// variance of the batch (PyTorch's takes the unbiased one, see [`Tensor::batch_norm_train`]), and `kept` is the share
    /// of the old statistics that stays, 1 − PyTorch's momentum. `operands` are weight, bias, running mean and running
    /// variance, of shape `[C]` each.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`] below two axes, [`tilewright_ops::ShapeError::Operand`]; [`Error::DType`]
    /// unless f32.
    pub fn batch_norm_biased(
        &self,
        operands: [&Self; 4],
        eps: f32,
        kept: f32,
    ) -> Result<BatchNormBiased<Self>, Error> {
        batch_norm_biased(self, operands, eps, kept)
    }
}
