//! Batch normalisation over N C …: training, evaluation and their gradients.
//!
//! Four axes are worked on channels-last, two as they are; any other rank goes through copies.

use tilewright_kernels::normalization::{self, Fused, Grads, Running, Spread, Statistics};
use tilewright_ops::{BatchNorm, DType, UnaryOp};

use crate::{Layout, Result, Tensor};

const TRAIN: &str = "batch_norm_train";
const EVAL: &str = "batch_norm_eval";
const TRAIN_BACKWARD: &str = "batch_norm_train_backward";
const EVAL_BACKWARD: &str = "batch_norm_eval_backward";

/// `y`, `mean`, `inv_std`, the new running mean and variance, from `x`, `weight`, `bias` and the running statistics.
pub(super) fn train(
    norm: &BatchNorm,
    activation: Option<UnaryOp>,
    inputs: &[&Tensor],
) -> Result<Vec<Tensor>> {
    let [of, weight, bias, running_mean, running_var] = five(inputs);
    let (context, dims) = (of.context(), dims(norm, of)?);
    let x = channels_fastest(of)?;
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
    let (eps, momentum) = (norm.eps, norm.momentum);
    normalization::batch_norm_statistics(context, dims, eps, momentum, x.buffer(), running, to)?;
    normalization::batch_norm_normalise(
        context,
        TRAIN,
        dims,
        x.buffer(),
        mean.buffer(),
        Spread::InvStd(inv_std.buffer()),
        weight.buffer(),
        bias.buffer(),
        activation,
        y.buffer(),
    )?;
    Ok(vec![with_rank_of(y, of)?, mean, inv_std, new_mean, new_var])
}

/// `y` from `x`, `weight`, `bias` and the running statistics.
pub(super) fn eval(norm: &BatchNorm, activation: Option<UnaryOp>, inputs: &[&Tensor]) -> Result<Tensor> {
    let [of, weight, bias, running_mean, running_var] = five(inputs);
    let x = channels_fastest(of)?;
    let y = x.like(DType::F32)?;
    normalization::batch_norm_normalise(
        of.context(),
        EVAL,
        dims(norm, of)?,
        x.buffer(),
        running_mean.buffer(),
        Spread::Variance(running_var.buffer(), norm.eps),
        weight.buffer(),
        bias.buffer(),
        activation,
        y.buffer(),
    )?;
    with_rank_of(y, of)
}

/// The gradients of `x`, `weight` and `bias`, from `x`, `weight`, `mean`, `inv_std`, `grad_y` and, with an activation, the bias.
pub(super) fn train_backward(activation: Option<UnaryOp>, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    let norm = BatchNorm::default();
    let spread = Spread::InvStd(inputs[3].buffer());
    backward(TRAIN_BACKWARD, &norm, true, spread, activation, inputs)
}

/// The same with the running statistics, which are constants.
pub(super) fn eval_backward(
    norm: &BatchNorm,
    activation: Option<UnaryOp>,
    inputs: &[&Tensor],
) -> Result<Vec<Tensor>> {
    let spread = Spread::Variance(inputs[3].buffer(), norm.eps);
    backward(EVAL_BACKWARD, norm, false, spread, activation, inputs)
}

fn backward(
    op: &'static str,
    norm: &BatchNorm,
    train: bool,
    spread: Spread<'_>,
    activation: Option<UnaryOp>,
    inputs: &[&Tensor],
) -> Result<Vec<Tensor>> {
    let [of, weight, mean, _, grad_y] = five(inputs);
    let bias = inputs.get(5);
    let fused = activation.zip(bias).map(|(activation, bias)| Fused { activation, bias: bias.buffer() });
    let (x, grad_y) = (channels_fastest(of)?, channels_fastest(grad_y)?);
    let grad_x = x.like(DType::F32)?;
    let (grad_weight, grad_bias) = (weight.like(DType::F32)?, weight.like(DType::F32)?);
    let to = Grads { x: grad_x.buffer(), weight: grad_weight.buffer(), bias: grad_bias.buffer() };
    normalization::batch_norm_backward(
        of.context(),
        op,
        dims(norm, of)?,
        train,
        x.buffer(),
        mean.buffer(),
        spread,
        weight.buffer(),
        fused,
        grad_y.buffer(),
        to,
    )?;
    Ok(vec![with_rank_of(grad_x, of)?, grad_weight, grad_bias])
}

fn five<'a>(inputs: &[&'a Tensor]) -> [&'a Tensor; 5] {
    std::array::from_fn(|at| inputs[at])
}

/// The pixels in a batch, and the channels.
fn dims(norm: &BatchNorm, x: &Tensor) -> Result<[usize; 2]> {
    let [batch, channels, inner] = norm.dims(x.shape())?;
    Ok([batch.saturating_mul(inner), channels])
}

/// The values as a matrix whose columns are channels: a tensor of two axes as it is, else one of four channels-last.
fn channels_fastest(x: &Tensor) -> Result<Tensor> {
    match *x.shape() {
        [_, _] => Ok(x.clone()),
        [_, _, _, _] => x.to_layout(Layout::ChannelsLast),
        [batch, channels, ref inner @ ..] => {
            let four = [batch, channels, inner.iter().product(), 1];
            x.relabel(&four, Layout::RowMajor).to_layout(Layout::ChannelsLast)
        }
        _ => Ok(x.clone()),
    }
}

/// Undoes [`channels_fastest`] for a result that belongs to `x`.
fn with_rank_of(y: Tensor, x: &Tensor) -> Result<Tensor> {
    if y.shape() == x.shape() {
        return Ok(y);
    }
    Ok(y.to_layout(Layout::RowMajor)?.relabel(x.shape(), Layout::RowMajor))
}
