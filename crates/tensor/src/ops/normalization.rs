//! Batch normalisation over N C …: training, evaluation and their gradients (Ioffe and Szegedy, arXiv 1502.03167).
//!
//! Four axes are worked on channels-last, two as they are; any other rank goes through copies.

use tilewright_kernels::normalization::{self, BatchNormCall, Deviation, Grads, Running, Statistics};
use tilewright_ops::{BatchNorm, DType, Op, UnaryOp};

use crate::{Layout, Result, Tensor, trace};

const TRAIN: &str = "batch_norm_train";
const EVAL: &str = "batch_norm_eval";
const TRAIN_BACKWARD: &str = "batch_norm_train_backward";
const EVAL_BACKWARD: &str = "batch_norm_eval_backward";

/// What a training step of [`Tensor::batch_norm_train`] gives. All but `y` have shape `[C]`.
#[derive(Clone, Debug)]
pub struct BatchNormTrain {
    /// The normalised input, of the input's shape.
    pub y: Tensor,
    /// The mean of the batch, for the gradient.
    pub mean: Tensor,
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
        norm: &BatchNorm,
    ) -> Result<BatchNormTrain> {
        self.batch_norm_train_fused(weight, bias, running_mean, running_var, norm, None)
    }

    /// [`Self::batch_norm_train`] with an activation applied to `y` in the same pass.
    pub fn batch_norm_train_fused(
        &self,
        weight: &Self,
        bias: &Self,
        running_mean: &Self,
        running_var: &Self,
        norm: &BatchNorm,
        activation: Option<UnaryOp>,
    ) -> Result<BatchNormTrain> {
        let operands = [
            ("weight", weight),
            ("bias", bias),
            ("running_mean", running_mean),
            ("running_var", running_var),
        ];
        let dims = self.norm_dims(TRAIN, norm, &operands)?;
        norm.check_training(self.shape())?;
        activation.map_or(Ok(()), |op| op.check())?;
        let context = self.context();
        let x = self.channels_fastest()?;
        let y = x.like(DType::F32)?;
        let (mean, inv_std) = (weight.like(DType::F32)?, weight.like(DType::F32)?);
        let (new_mean, new_var) = (weight.like(DType::F32)?, weight.like(DType::F32)?);
        let running = Running { mean: running_mean.buffer(), variance: running_var.buffer() };
        let to = Statistics {
            mean: mean.buffer(),
            inv_std: inv_std.buffer(),
            running_mean: new_mean.buffer(),
            running_variance: new_var.buffer(),
        };
        normalization::batch_norm_statistics(
            context,
            dims,
            norm.eps,
            norm.momentum,
            x.buffer(),
            running,
            to,
        )?;
        let call = BatchNormCall {
            op: TRAIN,
            dims,
            x: x.buffer(),
            mean: mean.buffer(),
            deviation: Deviation::InvStd(inv_std.buffer()),
            weight: weight.buffer(),
            bias: bias.buffer(),
            activation,
        };
        normalization::batch_norm(context, &call, y.buffer())?;
        let y = y.with_rank_of(self)?;
        Ok(BatchNormTrain { y, mean, inv_std, running_mean: new_mean, running_var: new_var })
    }

    /// Normalises N C … by the running statistics. Weight, bias and running statistics have shape `[C]`.
    pub fn batch_norm_eval(
        &self,
        weight: &Self,
        bias: &Self,
        running_mean: &Self,
        running_var: &Self,
        norm: &BatchNorm,
    ) -> Result<Self> {
        self.batch_norm_eval_fused(weight, bias, running_mean, running_var, norm, None)
    }

    /// [`Self::batch_norm_eval`] with an activation applied in the same pass.
    pub fn batch_norm_eval_fused(
        &self,
        weight: &Self,
        bias: &Self,
        running_mean: &Self,
        running_var: &Self,
        norm: &BatchNorm,
        activation: Option<UnaryOp>,
    ) -> Result<Self> {
        let operands = [
            ("weight", weight),
            ("bias", bias),
            ("running_mean", running_mean),
            ("running_var", running_var),
        ];
        let dims = self.norm_dims(EVAL, norm, &operands)?;
        activation.map_or(Ok(()), |op| op.check())?;
        let traced = || Op::BatchNorm { op: *norm, activation };
        if let Some(y) = trace::step(traced, &[self, weight, bias, running_mean, running_var]) {
            return y;
        }
        let x = self.channels_fastest()?;
        let y = x.like(DType::F32)?;
        let call = BatchNormCall {
            op: EVAL,
            dims,
            x: x.buffer(),
            mean: running_mean.buffer(),
            deviation: Deviation::Variance(running_var.buffer(), norm.eps),
            weight: weight.buffer(),
            bias: bias.buffer(),
            activation,
        };
        normalization::batch_norm(self.context(), &call, y.buffer())?;
        y.with_rank_of(self)
    }

    /// The gradients of x (this tensor), weight and bias through [`Self::batch_norm_train`], whose `mean` and `inv_std`
    /// these are.
    pub fn batch_norm_train_backward(
        &self,
        weight: &Self,
        mean: &Self,
        inv_std: &Self,
        grad_y: &Self,
    ) -> Result<(Self, Self, Self)> {
        self.batch_norm_train_backward_fused(weight, mean, inv_std, None, grad_y)
    }

    /// The gradients through [`Self::batch_norm_train_fused`] with an activation: it and the bias are in `fused`, and
    /// `grad_y` is the gradient of what the activation gave, whose operand is computed anew.
    pub fn batch_norm_train_backward_fused(
        &self,
        weight: &Self,
        mean: &Self,
        inv_std: &Self,
        fused: Option<(UnaryOp, &Self)>,
        grad_y: &Self,
    ) -> Result<(Self, Self, Self)> {
        let norm = BatchNorm::default();
        let operands = [("weight", weight), ("mean", mean), ("inv_std", inv_std)];
        let dims = self.norm_dims(TRAIN_BACKWARD, &norm, &operands)?;
        norm.check_training(self.shape())?;
        let deviation = Deviation::InvStd(inv_std.buffer());
        self.norm_backward(TRAIN_BACKWARD, dims, true, mean, deviation, weight, fused, grad_y)
    }

    /// The gradients of x (this tensor), weight and bias through [`Self::batch_norm_eval`], whose statistics are
    /// constants.
    pub fn batch_norm_eval_backward(
        &self,
        weight: &Self,
        running_mean: &Self,
        running_var: &Self,
        norm: &BatchNorm,
        grad_y: &Self,
    ) -> Result<(Self, Self, Self)> {
        self.batch_norm_eval_backward_fused(weight, running_mean, running_var, norm, None, grad_y)
    }

    /// The gradients through [`Self::batch_norm_eval_fused`] with an activation, as in
    /// [`Self::batch_norm_train_backward_fused`].
    pub fn batch_norm_eval_backward_fused(
        &self,
        weight: &Self,
        running_mean: &Self,
        running_var: &Self,
        norm: &BatchNorm,
        fused: Option<(UnaryOp, &Self)>,
        grad_y: &Self,
    ) -> Result<(Self, Self, Self)> {
        let operands = [("weight", weight), ("running_mean", running_mean), ("running_var", running_var)];
        let dims = self.norm_dims(EVAL_BACKWARD, norm, &operands)?;
        let deviation = Deviation::Variance(running_var.buffer(), norm.eps);
        self.norm_backward(EVAL_BACKWARD, dims, false, running_mean, deviation, weight, fused, grad_y)
    }

    fn norm_backward(
        &self,
        op: &'static str,
        dims: [usize; 2],
        train: bool,
        mean: &Self,
        deviation: Deviation<'_>,
        weight: &Self,
        fused: Option<(UnaryOp, &Self)>,
        grad_y: &Self,
    ) -> Result<(Self, Self, Self)> {
        if let Some((activation, bias)) = fused {
            activation.check()?;
            self.norm_dims(op, &BatchNorm::default(), &[("bias", bias)])?;
        }
        grad_y.require_f32(op, "grad_y")?;
        self.require_same_context(op, grad_y)?;
        self.require_shape(op, "grad_y", grad_y)?;
        let (x, grad_y) = (self.channels_fastest()?, grad_y.channels_fastest()?);
        let grad_x = x.like(DType::F32)?;
        let (grad_weight, grad_bias) = (weight.like(DType::F32)?, weight.like(DType::F32)?);
        let to = Grads { x: grad_x.buffer(), weight: grad_weight.buffer(), bias: grad_bias.buffer() };
        let call = BatchNormCall {
            op,
            dims,
            x: x.buffer(),
            mean: mean.buffer(),
            deviation,
            weight: weight.buffer(),
            bias: fused.map_or(weight, |(_, bias)| bias).buffer(),
            activation: fused.map(|(activation, _)| activation),
        };
        normalization::batch_norm_backward(self.context(), &call, train, grad_y.buffer(), to)?;
        Ok((grad_x.with_rank_of(self)?, grad_weight, grad_bias))
    }

    /// Checks the operands; the pixels in a batch and the channels.
    fn norm_dims(
        &self,
        op: &'static str,
        norm: &BatchNorm,
        operands: &[(&'static str, &Self)],
    ) -> Result<[usize; 2]> {
        self.require_f32(op, "x")?;
        let [batch, channels, inner] = norm.dims(self.shape())?;
        for (name, operand) in operands {
            operand.require_f32(op, name)?;
            self.require_same_context(op, operand)?;
            norm.check_operand(self.shape(), name, operand.shape())?;
        }
        Ok([batch.saturating_mul(inner), channels])
    }

    /// The values as a matrix whose columns are channels: a tensor of two axes as it is, else one of four channels-last.
    fn channels_fastest(&self) -> Result<Self> {
        match *self.shape() {
            [_, _] => Ok(self.clone()),
            [_, _, _, _] => self.to_layout(Layout::ChannelsLast),
            [batch, channels, ref inner @ ..] => {
                let four = [batch, channels, inner.iter().product(), 1];
                self.relabel(&four, Layout::RowMajor).to_layout(Layout::ChannelsLast)
            }
            _ => Ok(self.clone()),
        }
    }

    /// Undoes [`Self::channels_fastest`] for a result that belongs to `x`.
    fn with_rank_of(self, x: &Self) -> Result<Self> {
        if self.shape() == x.shape() {
            return Ok(self);
        }
        Ok(self.to_layout(Layout::RowMajor)?.relabel(x.shape(), Layout::RowMajor))
    }
}
