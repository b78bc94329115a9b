//! Losses.

use tilewright_ops::{CrossEntropy, Reduction};

use crate::indexing::{check_len, round, valid};
use crate::softmax::log_sum_exp;

/// One sample of a cross-entropy that is not ignored.
struct Sample {
    /// Its place among the labels.
    index: usize,
    /// Its label.
    label: usize,
    /// Where its logits lie, class by class.
    logits: Vec<usize>,
}

/// The samples that count, and the divisor of the mean: the sum of their labels' weights.
fn samples(
    op: &CrossEntropy,
    logits: &[f32],
    logits_shape: &[usize],
    labels: &[i32],
    weights: Option<&[f32]>,
) -> (Vec<Sample>, f64) {
    check_len("logits", logits, logits_shape);
    let label_shape: Vec<usize> =
        logits_shape.iter().enumerate().filter(|(axis, _)| *axis != 1).map(|(_, &e)| e).collect();
    check_len("labels", labels, &label_shape);
    let [_, classes, inner] = valid(op.dims(logits_shape, &label_shape));
    valid(op.check_labels(classes, labels));
    if let Some(weights) = weights {
        check_len("weights", weights, &[classes]);
    }
    let mut counted = Vec::new();
    for (index, &label) in labels.iter().enumerate() {
        if Some(label) == op.ignore_index {
            continue;
        }
        let (image, position) = (index / inner, index % inner);
        let logits = (0..classes).map(|class| (image * classes + class) * inner + position).collect();
        counted.push(Sample { index, label: label as usize, logits });
    }
    let divisor = counted.iter().map(|sample| weight_of(weights, sample.label)).sum();
    (counted, divisor)
}

fn weight_of(weights: Option<&[f32]>, class: usize) -> f64 {
    weights.map_or(1.0, |weights| f64::from(weights[class]))
}

/// The weight of each class's −log p in the loss of a sample: (1 − ε) · w_t for the label t, and ε / C · w_c for each c.
fn targets(op: &CrossEntropy, sample: &Sample, weights: Option<&[f32]>) -> Vec<f64> {
    let smoothing = f64::from(op.label_smoothing);
    let classes = sample.logits.len();
    let mut target: Vec<f64> =
        (0..classes).map(|class| smoothing / classes as f64 * weight_of(weights, class)).collect();
    target[sample.label] += (1.0 - smoothing) * weight_of(weights, sample.label);
    target
}

/// The loss of logits N C … against labels N …: one element, or one for each label with [`Reduction::None`].
#[must_use]
pub fn cross_entropy(
    op: &CrossEntropy,
    logits: &[f32],
    logits_shape: &[usize],
    labels: &[i32],
    weights: Option<&[f32]>,
) -> Vec<f32> {
    let (samples, divisor) = samples(op, logits, logits_shape, labels, weights);
    let mut losses = vec![0.0; labels.len()];
    for sample in &samples {
        let x = sample.logits.iter().map(|&i| f64::from(logits[i]));
        let log_sum = log_sum_exp(x.clone());
        losses[sample.index] =
            targets(op, sample, weights).iter().zip(x).map(|(target, x)| target * (log_sum - x)).sum::<f64>();
    }
    match op.reduction {
        Reduction::None => round(&losses),
        Reduction::Sum => round(&[losses.iter().sum()]),
        Reduction::Mean => round(&[losses.iter().sum::<f64>() / divisor]),
    }
}

/// The gradient of the logits: for each sample, p_c · Σ targets − target_c, scaled by grad_y (one element, or one for
/// each label with [`Reduction::None`]) and by the mean's divisor.
#[must_use]
pub fn cross_entropy_backward(
    op: &CrossEntropy,
    logits: &[f32],
    logits_shape: &[usize],
    labels: &[i32],
    weights: Option<&[f32]>,
    grad_y: &[f32],
) -> Vec<f32> {
    let (samples, divisor) = samples(op, logits, logits_shape, labels, weights);
    let count = if op.reduction == Reduction::None { labels.len() } else { 1 };
    check_len("grad_y", grad_y, &[count]);
    let mut grad = vec![0.0; logits.len()];
    for sample in &samples {
        let scale = match op.reduction {
            Reduction::None => f64::from(grad_y[sample.index]),
            Reduction::Sum => f64::from(grad_y[0]),
            Reduction::Mean => f64::from(grad_y[0]) / divisor,
        };
        let log_sum = log_sum_exp(sample.logits.iter().map(|&i| f64::from(logits[i])));
        let target = targets(op, sample, weights);
        let total: f64 = target.iter().sum();
        for (&i, target) in sample.logits.iter().zip(target) {
            let probability = (f64::from(logits[i]) - log_sum).exp();
            grad[i] = scale * (probability * total - target);
        }
    }
    round(&grad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_logits_cost_log_classes() {
        let loss = cross_entropy(&CrossEntropy::default(), &[7.0; 8], &[2, 4], &[0, 3], None);
        assert!((loss[0] - 4.0_f32.ln()).abs() < 1e-6);
        let grad =
            cross_entropy_backward(&CrossEntropy::default(), &[7.0; 8], &[2, 4], &[0, 3], None, &[1.0]);
        assert_eq!(grad, [-0.375, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, -0.375]);
    }

    #[test]
    fn ignored_samples_count_for_nothing() {
        let op = CrossEntropy { ignore_index: Some(1), ..CrossEntropy::default() };
        let logits = [0.1, 2.0, -0.3, 0.4];
        let all = cross_entropy(&op, &logits, &[2, 2], &[0, 1], None);
        assert_eq!(all, cross_entropy(&op, &logits[..2], &[1, 2], &[0], None));
        assert_eq!(cross_entropy_backward(&op, &logits, &[2, 2], &[0, 1], None, &[1.0])[2..], [0.0, 0.0]);
        // The mean of nothing is NaN and has no gradient, as in PyTorch.
        assert!(cross_entropy(&op, &logits, &[2, 2], &[1, 1], None)[0].is_nan());
        assert_eq!(cross_entropy_backward(&op, &logits, &[2, 2], &[1, 1], None, &[1.0]), [0.0; 4]);
    }

    #[test]
    #[should_panic(expected = "label = 4 (sample 0)")]
    fn a_label_out_of_range_is_named() {
        let _ = cross_entropy(&CrossEntropy::default(), &[0.0; 4], &[1, 4], &[4], None);
    }
}
