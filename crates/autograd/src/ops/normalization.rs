//! Batch normalisation.

use tilewright_ops::Op;
use tilewright_tensor::{BatchNormCall, Tensor};

use super::results::results;
use crate::{error::Result, var::Var};

/// What training with batch statistics gives.
#[derive(Clone, Debug)]
pub struct BatchNormTrained {
    /// The normalised value.
    pub y: Var,
    /// The updated running mean.
    pub running_mean: Tensor,
    /// The updated running variance.
    pub running_var: Tensor,
}

impl Var {
    /// Normalises each channel by the batch's statistics, with an activation in the same passes if the call has one, forward
    /// and backward. Saves the input, the mean and the inverse deviation: an activation's operand is computed anew.
    pub fn batch_norm_train(
        &self,
        weight: &Self,
        bias: &Self,
        running_mean: &Tensor,
        running_var: &Tensor,
        norm: impl Into<BatchNormCall>,
    ) -> Result<BatchNormTrained> {
        let BatchNormCall { op, activation } = norm.into();
        let running = [running_mean, running_var].map(|tensor| Self::constant(tensor.clone()));
        let op = Op::BatchNormTrain { op, activation };
        let found = Self::run(&op, &[self, weight, bias, &running[0], &running[1]])?;
        let [y, _, _, running_mean, running_var, _] = results(&op, found)?;
        let [running_mean, running_var] = [running_mean, running_var].map(|var| var.tensor().clone());
        Ok(BatchNormTrained { y, running_mean, running_var })
    }

    /// Normalises each channel by the running statistics. Saves the input and the statistics.
    pub fn batch_norm_eval(
        &self,
        weight: &Self,
        bias: &Self,
        running_mean: &Tensor,
        running_var: &Tensor,
        norm: impl Into<BatchNormCall>,
    ) -> Result<Self> {
        let BatchNormCall { op, activation } = norm.into();
        let running = [running_mean, running_var].map(|tensor| Self::constant(tensor.clone()));
        Self::run_one(&Op::BatchNorm { op, activation }, &[self, weight, bias, &running[0], &running[1]])
    }
}
