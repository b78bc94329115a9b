//! Batch normalisation.

use tilewright_ops::BatchNorm;
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
        let (x, w) = (self.tensor().clone(), weight.tensor().clone());
        let trained = x.batch_norm_train(&w, bias.tensor(), running_mean, running_var, op)?;
        let (mean, inv_std) = (trained.mean, trained.inv_std);
        let y = Self::custom("batch_norm", &[self, weight, bias], trained.y, move |grad_y, _| {
            let (grad_x, grad_w, grad_b) =
                Tensor::batch_norm_train_backward(&x, &w, &mean, &inv_std, grad_y)?;
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
        let (x, w, op) = (self.tensor().clone(), weight.tensor().clone(), *op);
        let (mean, var) = (running_mean.clone(), running_var.clone());
        let y = x.batch_norm_eval(&w, bias.tensor(), &mean, &var, &op)?;
        Ok(Self::custom("batch_norm", &[self, weight, bias], y, move |grad_y, _| {
            let (grad_x, grad_w, grad_b) =
                Tensor::batch_norm_eval_backward(&x, &w, &mean, &var, &op, grad_y)?;
            Ok(vec![Some(grad_x), Some(grad_w), Some(grad_b)])
        }))
    }
}
