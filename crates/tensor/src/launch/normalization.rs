//! Batch normalisation over N C …: training, evaluation and their gradients.
//!
//! Four axes are worked on channels-last, two as they are; any other rank goes through copies.

use tilewright_kernels::normalization::{self, BatchNormLaunch, Deviation, Grads, Running, Statistics};
use tilewright_ops::{BatchNorm, DType, UnaryOp};

use super::elementwise::in_place_of;
use crate::{error::Result, layout::Layout, tensor::Tensor};

const TRAIN: &str = "batch_norm_train";
const EVAL: &str = "batch_norm_eval";
const TRAIN_BACKWARD: &str = "batch_norm_train_backward";
const EVAL_BACKWARD: &str = "batch_norm_eval_backward";

/// `y`, `mean`, `inv_std`, the new running mean and variance and the mean's `rest`, from `x`, `weight`, `bias` and the running statistics.
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
    let rest = weight.like(DType::F32)?;
    let running = Running { mean: running_mean.buffer(), variance: running_var.buffer() };
    let to = Statistics {
        mean: mean.buffer(),
        rest: rest.buffer(),
        inv_std: inv_std.buffer(),
        running_mean: new_mean.buffer(),
        running_variance: new_var.buffer(),
    };
    let (eps, momentum) = (norm.eps, norm.momentum);
    normalization::batch_norm_statistics(context, dims, eps, momentum, x.buffer(), running, to)?;
    let call = BatchNormLaunch {
        op: TRAIN,
        dims,
        x: x.buffer(),
        mean: mean.buffer(),
        deviation: Deviation::InvStd(inv_std.buffer(), rest.buffer()),
        weight: weight.buffer(),
        bias: bias.buffer(),
        activation,
    };
    normalization::batch_norm(context, &call, y.buffer())?;
    Ok(vec![with_rank_of(y, of)?, mean, inv_std, new_mean, new_var, rest])
}

/// `y` once more, from `x`, `weight`, `bias`, `mean`, `inv_std` and the mean's `rest`.
pub(super) fn again(activation: Option<UnaryOp>, inputs: &[&Tensor]) -> Result<Tensor> {
    let [of, weight, bias, mean, inv_std] = five(inputs);
    let x = channels_fastest(of)?;
    let y = x.like(DType::F32)?;
    let call = BatchNormLaunch {
        op: TRAIN,
        dims: dims(&BatchNorm::default(), of)?,
        x: x.buffer(),
        mean: mean.buffer(),
        deviation: Deviation::InvStd(inv_std.buffer(), inputs[5].buffer()),
        weight: weight.buffer(),
        bias: bias.buffer(),
        activation,
    };
    normalization::batch_norm(of.context(), &call, y.buffer())?;
    with_rank_of(y, of)
}

/// `y` from `x`, `weight`, `bias` and the running statistics.
pub(super) fn eval(norm: &BatchNorm, activation: Option<UnaryOp>, inputs: &[&Tensor]) -> Result<Tensor> {
    let [of, weight, bias, running_mean, running_var] = five(inputs);
    let x = channels_fastest(of)?;
    let y = x.like(DType::F32)?;
    let call = BatchNormLaunch {
        op: EVAL,
        dims: dims(norm, of)?,
        x: x.buffer(),
        mean: running_mean.buffer(),
        deviation: Deviation::Variance(running_var.buffer(), norm.eps),
        weight: weight.buffer(),
        bias: bias.buffer(),
        activation,
    };
    normalization::batch_norm(of.context(), &call, y.buffer())?;
    with_rank_of(y, of)
}

/// The gradients of `x`, `weight` and `bias`, from `x`, `weight`, `mean`, `inv_std`, `grad_y`, the
/// mean's `rest` and, with an activation, the bias. That of `x` may lie `over` `grad_y`.
pub(super) fn train_backward(
    activation: Option<UnaryOp>,
    inputs: &[&Tensor],
    over: bool,
) -> Result<Vec<Tensor>> {
    let norm = BatchNorm::default();
    let deviation = Deviation::InvStd(inputs[3].buffer(), inputs[5].buffer());
    backward(TRAIN_BACKWARD, [true, over], &norm, deviation, activation, inputs, inputs.get(6).copied())
}

/// The same with the running statistics, which are constants.
pub(super) fn eval_backward(
    norm: &BatchNorm,
    activation: Option<UnaryOp>,
    inputs: &[&Tensor],
    over: bool,
) -> Result<Vec<Tensor>> {
    let deviation = Deviation::Variance(inputs[3].buffer(), norm.eps);
    backward(EVAL_BACKWARD, [false, over], norm, deviation, activation, inputs, inputs.get(5).copied())
}

fn backward(
    op: &'static str,
    [train, over]: [bool; 2],
    norm: &BatchNorm,
    deviation: Deviation<'_>,
    activation: Option<UnaryOp>,
    inputs: &[&Tensor],
    bias: Option<&Tensor>,
) -> Result<Vec<Tensor>> {
    let [of, weight, mean, _, grad_y] = five(inputs);
    // Without an activation the bias plays no part.
    let bias = bias.unwrap_or(weight);
    let (x, grad_y) = (channels_fastest(of)?, channels_fastest(grad_y)?);
    let grad_x = match in_place_of(&grad_y, over, &[&x]) {
        Some(place) => place,
        None => x.like(DType::F32)?,
    };
    let (grad_weight, grad_bias) = (weight.like(DType::F32)?, weight.like(DType::F32)?);
    let to = Grads { x: grad_x.buffer(), weight: grad_weight.buffer(), bias: grad_bias.buffer() };
    let call = BatchNormLaunch {
        op,
        dims: dims(norm, of)?,
        x: x.buffer(),
        mean: mean.buffer(),
        deviation,
        weight: weight.buffer(),
        bias: bias.buffer(),
        activation,
    };
    normalization::batch_norm_backward(of.context(), &call, train, grad_y.buffer(), to)?;
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
