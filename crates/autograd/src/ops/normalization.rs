//! Batch normalisation.

use tilewright_ops::{BatchNorm, UnaryOp};
use tilewright_tensor::Tensor;

use crate::{Result, Var};

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
    /// Normalises each channel by the batch's statistics. Saves the input, the mean and the inverse deviation.
    pub fn batch_norm_train(
        &self,
        weight: &Self,
        bias: &Self,
        running_mean: &Tensor,
        running_var: &Tensor,
        op: &BatchNorm,
    ) -> Result<BatchNormTrained> {
        self.batch_norm_train_fused(weight, bias, running_mean, running_var, op, None)
    }

    /// [`Self::batch_norm_train`] with an activation of `y` in the same passes, forward and backward. Saves no more than
    /// it: the activation's operand is computed anew.
    pub fn batch_norm_train_fused(
        &self,
        weight: &Self,
        bias: &Self,
        running_mean: &Tensor,
        running_var: &Tensor,
        op: &BatchNorm,
        activation: Option<UnaryOp>,
    ) -> Result<BatchNormTrained> {
        let (x, w, b) = (self.tensor().clone(), weight.tensor().clone(), bias.tensor().clone());
        let trained = x.batch_norm_train_fused(&w, &b, running_mean, running_var, op, activation)?;
        let (mean, inv_std) = (trained.mean, trained.inv_std);
        let y = Self::custom("batch_norm", &[self, weight, bias], trained.y, move |grad_y, _| {
            let fused = activation.map(|activation| (activation, &b));
            let (grad_x, grad_w, grad_b) =
                x.batch_norm_train_backward_fused(&w, &mean, &inv_std, fused, grad_y)?;
            Ok(vec![Some(grad_x), Some(grad_w), Some(grad_b)])
        });
        Ok(BatchNormTrained { y, running_mean: trained.running_mean, running_var: trained.running_var })
    }

    /// Normalises each channel by the running statistics. Saves the input and the statistics.
    pub fn batch_norm_eval(
        &self,
        weight: &Self,
        bias: &Self,
        running_mean: &Tensor,
        running_var: &Tensor,
        op: &BatchNorm,
    ) -> Result<Self> {
        self.batch_norm_eval_fused(weight, bias, running_mean, running_var, op, None)
    }

    /// [`Self::batch_norm_eval`] with an activation in the same passes, forward and backward.
    pub fn batch_norm_eval_fused(
        &self,
        weight: &Self,
        bias: &Self,
        running_mean: &Tensor,
        running_var: &Tensor,
        op: &BatchNorm,
        activation: Option<UnaryOp>,
    ) -> Result<Self> {
        let (x, w, b, op) = (self.tensor().clone(), weight.tensor().clone(), bias.tensor().clone(), *op);
        let (mean, var) = (running_mean.clone(), running_var.clone());
        let y = x.batch_norm_eval_fused(&w, &b, &mean, &var, &op, activation)?;
        Ok(Self::custom("batch_norm", &[self, weight, bias], y, move |grad_y, _| {
            let fused = activation.map(|activation| (activation, &b));
            let (grad_x, grad_w, grad_b) =
                x.batch_norm_eval_backward_fused(&w, &mean, &var, &op, fused, grad_y)?;
            Ok(vec![Some(grad_x), Some(grad_w), Some(grad_b)])
        }))
    }
}
