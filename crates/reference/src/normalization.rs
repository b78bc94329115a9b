//! Batch normalisation, and the moments of any axes.

use tilewright_ops::{BatchNorm, Moments};

use crate::indexing::{broadcast_indices, check_len, round, valid};

/// What a training step of [`batch_norm_train`] gives.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchNormTraining {
    /// The normalised input, of the input's shape.
    pub output: Vec<f32>,
    /// Mean of the batch, per channel.
    pub mean: Vec<f32>,
    /// Biased variance of the batch, per channel: the one the output is divided by.
    pub variance: Vec<f32>,
    /// The running mean after this batch.
    pub running_mean: Vec<f32>,
    /// The running variance after this batch, which takes the unbiased variance.
    pub running_variance: Vec<f32>,
}

/// The gradients of a batch normalisation.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchNormGradients {
    /// Of the input.
    pub x: Vec<f32>,
    /// Of the weight, per channel.
    pub weight: Vec<f32>,
    /// Of the bias, per channel.
    pub bias: Vec<f32>,
}

/// The indices of one channel's elements.
fn channel_elements([batch, channels, inner]: [usize; 3], channel: usize) -> impl Iterator<Item = usize> {
    (0..batch).flat_map(move |image| {
        let start = (image * channels + channel) * inner;
        start..start + inner
    })
}

/// Mean and biased variance of one channel, in two passes: the sum of squares minus the squared sum would cancel.
fn statistics(x: &[f32], dims: [usize; 3], channel: usize) -> (f64, f64) {
    let count = (dims[0] * dims[2]) as f64;
    let mean = channel_elements(dims, channel).map(|i| f64::from(x[i])).sum::<f64>() / count;
    let variance =
        channel_elements(dims, channel).map(|i| (f64::from(x[i]) - mean).powi(2)).sum::<f64>() / count;
    (mean, variance)
}

/// `mean`, `rest` and `variance` over axes: the mean rounded to f32, what that is short of the mean, and the biased variance,
/// in the order of the shape without those axes.
#[must_use]
pub fn moments(op: &Moments, x: &[f32], x_shape: &[usize]) -> [Vec<f32>; 3] {
    check_len("x", x, x_shape);
    let kept = valid(op.output_shape(x_shape));
    let groups = broadcast_indices(&kept, x_shape);
    let (mut sums, mut squares) = (vec![0.0; kept.iter().product()], vec![0.0; kept.iter().product()]);
    let count = x.len() as f64 / sums.len().max(1) as f64;
    for (&group, &x) in groups.iter().zip(x) {
        sums[group] += f64::from(x);
    }
    sums.iter_mut().for_each(|sum| *sum /= count);
    for (&group, &x) in groups.iter().zip(x) {
        squares[group] += (f64::from(x) - sums[group]).powi(2);
    }
    squares.iter_mut().for_each(|sum| *sum /= count);
    let mean = round(&sums);
    let rest = sums.iter().zip(&mean).map(|(&sum, &mean)| (sum - f64::from(mean)) as f32).collect();
    [mean, rest, round(&squares)]
}

/// `((x − mean) − rest) · inv_std`, of which the last three are of `shape`.
#[must_use]
pub fn standardize(x: &[f32], x_shape: &[usize], of_lines: [&[f32]; 3], shape: &[usize]) -> Vec<f32> {
    check_len("x", x, x_shape);
    of_lines.iter().for_each(|operand| check_len("mean, rest or inv_std", operand, shape));
    let [mean, rest, inv_std] = of_lines;
    let lines = broadcast_indices(shape, x_shape).into_iter().zip(x);
    let value = |line: usize, x: f32| {
        (f64::from(x) - f64::from(mean[line]) - f64::from(rest[line])) * f64::from(inv_std[line])
    };
    lines.map(|(line, &x)| value(line, x) as f32).collect()
}

/// Normalises x, of shape N C …, by the statistics of the batch and updates the running ones.
#[must_use]
pub fn batch_norm_train(
    norm: &BatchNorm,
    x: &[f32],
    x_shape: &[usize],
    weight: &[f32],
    bias: &[f32],
    running_mean: &[f32],
    running_variance: &[f32],
) -> BatchNormTraining {
    let dims = checked_dims(norm, x, x_shape, &[weight, bias, running_mean, running_variance]);
    valid(norm.check_training(x_shape));
    let count = (dims[0] * dims[2]) as f64;
    let momentum = f64::from(norm.momentum);
    let mut result = BatchNormTraining {
        output: vec![0.0; x.len()],
        mean: Vec::new(),
        variance: Vec::new(),
        running_mean: Vec::new(),
        running_variance: Vec::new(),
    };
    for channel in 0..dims[1] {
        let (mean, variance) = statistics(x, dims, channel);
        let scale = f64::from(weight[channel]) / (variance + f64::from(norm.eps)).sqrt();
        for i in channel_elements(dims, channel) {
            result.output[i] = ((f64::from(x[i]) - mean) * scale + f64::from(bias[channel])) as f32;
        }
        let unbiased = variance * count / (count - 1.0);
        let update = |running: f32, new: f64| ((1.0 - momentum) * f64::from(running) + momentum * new) as f32;
        result.mean.push(mean as f32);
        result.variance.push(variance as f32);
        result.running_mean.push(update(running_mean[channel], mean));
        result.running_variance.push(update(running_variance[channel], unbiased));
    }
    result
}

/// Normalises x, of shape N C …, by the running statistics.
#[must_use]
pub fn batch_norm_eval(
    norm: &BatchNorm,
    x: &[f32],
    x_shape: &[usize],
    weight: &[f32],
    bias: &[f32],
    running_mean: &[f32],
    running_variance: &[f32],
) -> Vec<f32> {
    let dims = checked_dims(norm, x, x_shape, &[weight, bias, running_mean, running_variance]);
    let mut output = vec![0.0; x.len()];
    for channel in 0..dims[1] {
        let (mean, variance) = (f64::from(running_mean[channel]), f64::from(running_variance[channel]));
        let scale = f64::from(weight[channel]) / (variance + f64::from(norm.eps)).sqrt();
        for i in channel_elements(dims, channel) {
            output[i] = ((f64::from(x[i]) - mean) * scale + f64::from(bias[channel])) as f32;
        }
    }
    output
}

/// The gradients in training mode, where mean and variance depend on x. With x̂ = (x − mean) / σ:
/// grad_x = weight / σ · (grad_y − mean(grad_y) − x̂ · mean(grad_y · x̂)).
#[must_use]
pub fn batch_norm_train_backward(
    norm: &BatchNorm,
    x: &[f32],
    x_shape: &[usize],
    weight: &[f32],
    grad_y: &[f32],
) -> BatchNormGradients {
    let dims = checked_dims(norm, x, x_shape, &[weight]);
    valid(norm.check_training(x_shape));
    backward(norm, x, dims, weight, grad_y, |channel| statistics(x, dims, channel), true)
}

/// The gradients in evaluation mode, where mean and variance are constants.
#[must_use]
pub fn batch_norm_eval_backward(
    norm: &BatchNorm,
    x: &[f32],
    x_shape: &[usize],
    weight: &[f32],
    running_mean: &[f32],
    running_variance: &[f32],
    grad_y: &[f32],
) -> BatchNormGradients {
    let dims = checked_dims(norm, x, x_shape, &[weight, running_mean, running_variance]);
    let running = |channel: usize| (f64::from(running_mean[channel]), f64::from(running_variance[channel]));
    backward(norm, x, dims, weight, grad_y, running, false)
}

fn backward(
    norm: &BatchNorm,
    x: &[f32],
    dims: [usize; 3],
    weight: &[f32],
    grad_y: &[f32],
    statistics_of: impl Fn(usize) -> (f64, f64),
    through_statistics: bool,
) -> BatchNormGradients {
    assert_eq!(x.len(), grad_y.len(), "batch_norm: x and grad_y must have the same elements");
    let count = (dims[0] * dims[2]) as f64;
    let mut grad_x = vec![0.0; x.len()];
    let (mut grad_weight, mut grad_bias) = (vec![0.0; dims[1]], vec![0.0; dims[1]]);
    for channel in 0..dims[1] {
        let (mean, variance) = statistics_of(channel);
        let inverse = 1.0 / (variance + f64::from(norm.eps)).sqrt();
        let normalised = |i: usize| (f64::from(x[i]) - mean) * inverse;
        for i in channel_elements(dims, channel) {
            grad_bias[channel] += f64::from(grad_y[i]);
            grad_weight[channel] += f64::from(grad_y[i]) * normalised(i);
        }
        for i in channel_elements(dims, channel) {
            let mut grad = f64::from(grad_y[i]);
            if through_statistics {
                grad -= (grad_bias[channel] + normalised(i) * grad_weight[channel]) / count;
            }
            grad_x[i] = f64::from(weight[channel]) * inverse * grad;
        }
    }
    BatchNormGradients { x: round(&grad_x), weight: round(&grad_weight), bias: round(&grad_bias) }
}

fn checked_dims(norm: &BatchNorm, x: &[f32], x_shape: &[usize], per_channel: &[&[f32]]) -> [usize; 3] {
    check_len("x", x, x_shape);
    for operand in per_channel {
        valid(norm.check_operand(x_shape, "weight, bias or running statistics", &[operand.len()]));
    }
    valid(norm.dims(x_shape))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NORM: BatchNorm = BatchNorm { eps: 0.0, momentum: 0.5 };

    #[test]
    fn statistics_by_hand() {
        // Channel 0 holds 1, 3 and channel 1 holds 2, 2 + eps would divide by zero, so 2, 6.
        let result = batch_norm_train(
            &NORM,
            &[1.0, 2.0, 3.0, 6.0],
            &[2, 2],
            &[2.0, 1.0],
            &[0.5, 0.0],
            &[0.0, 1.0],
            &[1.0, 0.0],
        );
        assert_eq!(result.mean, [2.0, 4.0]);
        assert_eq!(result.variance, [1.0, 4.0]);
        assert_eq!(result.output, [-1.5, -1.0, 2.5, 1.0]);
        assert_eq!(result.running_mean, [1.0, 2.5]);
        assert_eq!(result.running_variance, [1.5, 4.0]);
        let eval =
            batch_norm_eval(&NORM, &[1.0, 2.0], &[1, 2], &[2.0, 1.0], &[0.5, 0.0], &[0.0, 1.0], &[1.0, 4.0]);
        assert_eq!(eval, [2.5, 0.5]);
    }

    #[test]
    fn a_mean_is_two_numbers() {
        let over = Moments { axes: vec![1] };
        let [mean, rest, variance] = moments(&over, &[16_777_216.0, 16_777_218.0, 1.0, 2.0], &[2, 2]);
        assert_eq!((mean[0], rest[0], variance[0]), (16_777_216.0, 1.0, 1.0));
        assert_eq!((mean[1], rest[1], variance[1]), (1.5, 0.0, 0.25));
    }

    #[test]
    fn a_training_gradient_is_orthogonal_to_shift_and_scale() {
        let x = [0.3, -1.2, 2.0, 0.7, 1.1, -0.4];
        let grad =
            batch_norm_train_backward(&NORM, &x, &[6, 1], &[1.7], &[1.0, 0.5, -2.0, 0.25, 3.0, -1.0]).x;
        // Shifting or scaling x does not change the output.
        let shift: f32 = grad.iter().sum();
        let scale: f32 = grad.iter().zip(x).map(|(g, x)| g * x).sum();
        assert!(shift.abs() < 1e-6 && scale.abs() < 1e-6, "{shift} {scale}");
    }
}
