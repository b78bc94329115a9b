//! Batch normalisation over N C …: training, evaluation and their gradients (Ioffe and Szegedy, arXiv 1502.03167).

use tilewright_ops::{BatchNorm, Gradient, Op, UnaryOp};

use super::results::results;
use crate::{error::Result, tensor::Tensor};

/// A batch normalisation with what may be done in its kernel. [`BatchNorm`] becomes one without an activation.
#[derive(Clone, Copy, Debug, Default)]
pub struct BatchNormCall {
    /// eps and momentum.
    pub op: BatchNorm,
    /// Of the result, in the same pass.
    pub activation: Option<UnaryOp>,
}

impl From<&BatchNorm> for BatchNormCall {
    fn from(op: &BatchNorm) -> Self {
        Self { op: *op, activation: None }
    }
}

/// What a training step of [`Tensor::batch_norm_train`] gives. All but `y` have shape `[C]`.
#[derive(Clone, Debug)]
pub struct BatchNormTrain {
    /// The normalised input, of the input's shape.
    pub y: Tensor,
    /// The mean of the batch, rounded to f32, for the gradient.
    pub mean: Tensor,
    /// What `mean` is short of the mean for being rounded, for the gradient: far from 0 that is more than a small spread.
    pub rest: Tensor,
    /// 1 / √(biased variance of the batch + eps), for the gradient.
    pub inv_std: Tensor,
    /// The running mean after this batch.
    pub running_mean: Tensor,
    /// The running variance after this batch, which takes the unbiased variance.
    pub running_var: Tensor,
}

impl Tensor {
    /// Normalises N C … by the mean and biased variance of the batch, scales by `weight` and shifts by `bias`; the
    /// running statistics come back updated, their operands stay as they are. Weight, bias and running statistics have
    /// shape `[C]`.
    ///
    /// # Errors
    /// A shape error for operands that do not fit, and below two values per channel.
    pub fn batch_norm_train(
        &self,
        weight: &Self,
        bias: &Self,
        running_mean: &Self,
        running_var: &Self,
        norm: impl Into<BatchNormCall>,
    ) -> Result<BatchNormTrain> {
        let BatchNormCall { op, activation } = norm.into();
        let op = Op::BatchNormTrain { op, activation };
        let found = Self::run(&op, &[self, weight, bias, running_mean, running_var])?;
        let [y, mean, inv_std, running_mean, running_var, rest] = results(&op, found)?;
        Ok(BatchNormTrain { y, mean, rest, inv_std, running_mean, running_var })
    }

    /// Normalises N C … by the running statistics. Weight, bias and running statistics have shape `[C]`.
    ///
    /// # Errors
    /// A shape error for operands that do not fit.
    pub fn batch_norm_eval(
        &self,
        weight: &Self,
        bias: &Self,
        running_mean: &Self,
        running_var: &Self,
        norm: impl Into<BatchNormCall>,
    ) -> Result<Self> {
        let BatchNormCall { op, activation } = norm.into();
        Self::run_one(&Op::BatchNorm { op, activation }, &[self, weight, bias, running_mean, running_var])
    }

    /// The gradients of x (this tensor), weight and bias through [`Self::batch_norm_train`], whose `mean`,
    /// `rest` and `inv_std` are the statistics. With an activation, it and the bias are in `fused`, and `grad_y` is the gradient of what the activation
    /// gave, whose operand is computed anew.
    ///
    /// # Errors
    /// As [`Self::batch_norm_train`].
    pub fn batch_norm_train_backward(
        &self,
        weight: &Self,
        [mean, rest, inv_std]: [&Self; 3],
        fused: Option<(UnaryOp, &Self)>,
        grad_y: &Self,
    ) -> Result<(Self, Self, Self)> {
        let (activation, bias) = fused.unzip();
        let gradient = Gradient::BatchNormTrain { activation };
        self.batch_norm_backward(gradient, &[weight, mean, inv_std, grad_y, rest], bias)
    }

    /// The gradients of x (this tensor), weight and bias through [`Self::batch_norm_eval`], whose statistics are
    /// constants; `fused` as in [`Self::batch_norm_train_backward`].
    ///
    /// # Errors
    /// As [`Self::batch_norm_eval`].
    pub fn batch_norm_eval_backward(
        &self,
        weight: &Self,
        running_mean: &Self,
        running_var: &Self,
        norm: &BatchNorm,
        fused: Option<(UnaryOp, &Self)>,
        grad_y: &Self,
    ) -> Result<(Self, Self, Self)> {
        let (activation, bias) = fused.unzip();
        let gradient = Gradient::BatchNorm { op: *norm, activation };
        self.batch_norm_backward(gradient, &[weight, running_mean, running_var, grad_y], bias)
    }

    fn batch_norm_backward(
        &self,
        gradient: Gradient,
        operands: &[&Self],
        bias: Option<&Self>,
    ) -> Result<(Self, Self, Self)> {
        let op = Op::Gradient(gradient);
        let inputs: Vec<_> = [self].into_iter().chain(operands.iter().copied()).chain(bias).collect();
        let [x, weight, bias] = results(&op, Self::run(&op, &inputs)?)?;
        Ok((x, weight, bias))
    }
}
