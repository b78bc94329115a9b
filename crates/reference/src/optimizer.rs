//! Optimizer steps. State is rounded to f32 after each step, as it is stored.

use tilewright_ops::{Adam, AdamW, Lamb, RmsProp, Sgd};

use crate::indexing::{round, valid};

/// One step of [`Sgd`]: the new parameters and the new momentum buffer. `buffer` is `None` on the first step, when the
/// buffer becomes the gradient itself, without dampening. Without momentum there is no buffer.
#[must_use]
pub fn sgd(
    op: &Sgd,
    parameter: &[f32],
    gradient: &[f32],
    buffer: Option<&[f32]>,
) -> (Vec<f32>, Option<Vec<f32>>) {
    valid(op.check());
    assert_eq!(parameter.len(), gradient.len(), "sgd: parameter and gradient must have the same elements");
    let [lr, momentum, dampening, weight_decay] =
        [op.lr, op.momentum, op.dampening, op.weight_decay].map(f64::from);
    let gradient: Vec<f64> =
        gradient.iter().zip(parameter).map(|(&g, &p)| f64::from(g) + weight_decay * f64::from(p)).collect();
    let (step, buffer) = if op.momentum == 0.0 {
        (gradient, None)
    } else {
        let buffer: Vec<f64> = match buffer {
            None => gradient.clone(),
            Some(buffer) => {
                assert_eq!(
                    parameter.len(),
                    buffer.len(),
                    "sgd: parameter and buffer must have the same elements"
                );
                gradient
                    .iter()
                    .zip(buffer)
                    .map(|(g, &b)| momentum * f64::from(b) + (1.0 - dampening) * g)
                    .collect()
            }
        };
        let step = if op.nesterov {
            gradient.iter().zip(&buffer).map(|(g, b)| g + momentum * b).collect()
        } else {
            buffer.clone()
        };
        (step, Some(round(&buffer)))
    };
    let parameter = parameter.iter().zip(step).map(|(&p, step)| (f64::from(p) - lr * step) as f32).collect();
    (parameter, buffer)
}

/// What a step of [`adamw`] gives.
#[derive(Debug, Clone, PartialEq)]
pub struct AdamWStep {
    /// The new parameters.
    pub parameter: Vec<f32>,
    /// The new first moment.
    pub first: Vec<f32>,
    /// The new second moment.
    pub second: Vec<f32>,
}

/// Step number `step` (the first is 1) of [`AdamW`]; both moments start at zero.
#[must_use]
pub fn adamw(
    op: &AdamW,
    step: u32,
    parameter: &[f32],
    gradient: &[f32],
    first: &[f32],
    second: &[f32],
) -> AdamWStep {
    valid(op.check());
    assert!(step > 0, "adamw: steps count from 1");
    for (name, other) in [("gradient", gradient), ("first moment", first), ("second moment", second)] {
        assert_eq!(parameter.len(), other.len(), "adamw: parameter and {name} must have the same elements");
    }
    let [lr, beta1, beta2, eps, weight_decay] =
        [op.lr, op.beta1, op.beta2, op.eps, op.weight_decay].map(f64::from);
    let correction1 = 1.0 - beta1.powf(f64::from(step));
    let correction2 = 1.0 - beta2.powf(f64::from(step));
    let mut result = AdamWStep { parameter: Vec::new(), first: Vec::new(), second: Vec::new() };
    for i in 0..parameter.len() {
        let g = f64::from(gradient[i]);
        let m = beta1 * f64::from(first[i]) + (1.0 - beta1) * g;
        let v = beta2 * f64::from(second[i]) + (1.0 - beta2) * g * g;
        let decayed = f64::from(parameter[i]) * (1.0 - lr * weight_decay);
        let p = decayed - lr / correction1 * m / (v.sqrt() / correction2.sqrt() + eps);
        result.parameter.push(p as f32);
        result.first.push(m as f32);
        result.second.push(v as f32);
    }
    result
}

/// What a step of [`adam`] gives.
#[derive(Debug, Clone, PartialEq)]
pub struct AdamStep {
    /// The new parameters.
    pub parameter: Vec<f32>,
    /// The new first moment.
    pub first: Vec<f32>,
    /// The new second moment.
    pub second: Vec<f32>,
    /// The new largest second moment; without AMSGrad as it was.
    pub largest: Vec<f32>,
}

/// Step number `step` (the first is 1) of [`Adam`] from `before`, whose moments start at zero.
#[must_use]
pub fn adam(op: &Adam, step: u32, before: &AdamStep, gradient: &[f32]) -> AdamStep {
    valid(op.check());
    assert!(step > 0, "adam: steps count from 1");
    assert_eq!(
        before.parameter.len(),
        gradient.len(),
        "adam: parameter and gradient must have the same elements"
    );
    let [lr, beta1, beta2, eps, weight_decay] =
        [op.lr, op.beta1, op.beta2, op.eps, op.weight_decay].map(f64::from);
    let correction1 = 1.0 - beta1.powf(f64::from(step));
    let correction2 = 1.0 - beta2.powf(f64::from(step));
    let mut after = before.clone();
    for (i, &gradient) in gradient.iter().enumerate() {
        let p = f64::from(before.parameter[i]);
        let g = f64::from(gradient) + weight_decay * p;
        let m = beta1 * f64::from(before.first[i]) + (1.0 - beta1) * g;
        let v = beta2 * f64::from(before.second[i]) + (1.0 - beta2) * g * g;
        let mut s = v;
        if op.amsgrad {
            s = s.max(f64::from(before.largest[i]));
            after.largest[i] = s as f32;
        }
        after.parameter[i] = (p - lr / correction1 * m / (s.sqrt() / correction2.sqrt() + eps)) as f32;
        after.first[i] = m as f32;
        after.second[i] = v as f32;
    }
    after
}

/// What a step of [`rmsprop`] gives.
#[derive(Debug, Clone, PartialEq)]
pub struct RmsPropStep {
    /// The new parameters.
    pub parameter: Vec<f32>,
    /// The new mean of the squares.
    pub square: Vec<f32>,
    /// The new mean of the gradients; not centred as it was.
    pub mean: Vec<f32>,
    /// The new momentum buffer; without momentum as it was.
    pub buffer: Vec<f32>,
}

/// A step of [`RmsProp`] from `before`, whose state starts at zero.
#[must_use]
pub fn rmsprop(op: &RmsProp, before: &RmsPropStep, gradient: &[f32]) -> RmsPropStep {
    valid(op.check());
    let count = gradient.len();
    assert_eq!(before.parameter.len(), count, "rmsprop: parameter and gradient must have the same elements");
    let [lr, alpha, eps, weight_decay, momentum] =
        [op.lr, op.alpha, op.eps, op.weight_decay, op.momentum].map(f64::from);
    let mut after = before.clone();
    for (i, &gradient) in gradient.iter().enumerate() {
        let p = f64::from(before.parameter[i]);
        let g = f64::from(gradient) + weight_decay * p;
        let s = alpha * f64::from(before.square[i]) + (1.0 - alpha) * g * g;
        after.square[i] = s as f32;
        let mut spread = s;
        if op.centered {
            let a = alpha * f64::from(before.mean[i]) + (1.0 - alpha) * g;
            after.mean[i] = a as f32;
            spread = (s - a * a).max(0.0);
        }
        let mut direction = g / (spread.sqrt() + eps);
        if op.momentum != 0.0 {
            direction += momentum * f64::from(before.buffer[i]);
            after.buffer[i] = direction as f32;
        }
        after.parameter[i] = (p - lr * direction) as f32;
    }
    after
}

/// Step number `step` (the first is 1) of [`Lamb`]; both moments start at zero.
#[must_use]
pub fn lamb(
    op: &Lamb,
    step: u32,
    parameter: &[f32],
    gradient: &[f32],
    first: &[f32],
    second: &[f32],
) -> AdamWStep {
    valid(op.check());
    assert!(step > 0, "lamb: steps count from 1");
    for (name, other) in [("gradient", gradient), ("first moment", first), ("second moment", second)] {
        assert_eq!(parameter.len(), other.len(), "lamb: parameter and {name} must have the same elements");
    }
    let [lr, beta1, beta2, eps, weight_decay] =
        [op.lr, op.beta1, op.beta2, op.eps, op.weight_decay].map(f64::from);
    let correction1 = 1.0 - beta1.powf(f64::from(step));
    let correction2 = 1.0 - beta2.powf(f64::from(step));
    let mut result = AdamWStep { parameter: Vec::new(), first: Vec::new(), second: Vec::new() };
    let mut direction = Vec::new();
    for i in 0..parameter.len() {
        let g = f64::from(gradient[i]);
        let m = beta1 * f64::from(first[i]) + (1.0 - beta1) * g;
        let v = beta2 * f64::from(second[i]) + (1.0 - beta2) * g * g;
        let adapted = m / correction1 / (v.sqrt() / correction2.sqrt() + eps);
        direction.push(adapted + weight_decay * f64::from(parameter[i]));
        result.first.push(m as f32);
        result.second.push(v as f32);
    }
    let of_parameter = parameter.iter().map(|&p| f64::from(p).powi(2)).sum::<f64>().sqrt();
    let of_direction = direction.iter().map(|u| u * u).sum::<f64>().sqrt();
    let trust = if of_parameter > 0.0 && of_direction > 0.0 { of_parameter / of_direction } else { 1.0 };
    let moved = parameter.iter().zip(&direction).map(|(&p, u)| (f64::from(p) - lr * trust * u) as f32);
    result.parameter = moved.collect();
    result
}

/// A step of a running mean of weights: keep · average + (1 − keep) · parameter.
#[must_use]
pub fn ema(keep: f64, average: &[f32], parameter: &[f32]) -> Vec<f32> {
    assert_eq!(average.len(), parameter.len(), "ema: average and parameter must have the same elements");
    let blend = |(&a, &p): (&f32, &f32)| (keep * f64::from(a) + (1.0 - keep) * f64::from(p)) as f32;
    average.iter().zip(parameter).map(blend).collect()
}

/// The `norm_type`-norm of all elements of `tensors` as if they were one vector; infinity gives the largest magnitude.
#[must_use]
pub fn total_norm(tensors: &[&[f32]], norm_type: f32) -> f64 {
    let magnitudes = tensors.iter().flat_map(|tensor| tensor.iter()).map(|&x| f64::from(x).abs());
    if norm_type == f32::INFINITY {
        return magnitudes.fold(0.0, f64::max);
    }
    magnitudes.map(|x| x.powf(f64::from(norm_type))).sum::<f64>().powf(1.0 / f64::from(norm_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn momentum_starts_as_the_gradient() {
        let op = Sgd { lr: 0.5, momentum: 0.5, dampening: 0.5, ..Sgd::default() };
        let (p, b) = sgd(&op, &[1.0], &[2.0], None);
        assert_eq!((p[0], b.as_deref()), (0.0, Some(&[2.0][..])));
        let (p, b) = sgd(&op, &p, &[2.0], b.as_deref());
        assert_eq!((p[0], b.as_deref()), (-1.0, Some(&[2.0][..])));
        let (p, b) = sgd(&Sgd { lr: 0.5, ..Sgd::default() }, &[1.0], &[2.0], None);
        assert_eq!((p[0], b), (0.0, None));
    }

    #[test]
    fn the_first_adamw_step_has_length_lr() {
        let op = AdamW { lr: 0.125, eps: 0.0, weight_decay: 0.0, ..AdamW::default() };
        let step = adamw(&op, 1, &[1.0, 1.0], &[1e-3, -50.0], &[0.0; 2], &[0.0; 2]);
        crate::compare::assert_close("parameter", &step.parameter, &[0.875, 1.125], 1e-6, 0.0);
    }

    /// With AMSGrad a small gradient after a large one takes the shorter step.
    #[test]
    fn amsgrad_remembers() {
        let zeros = || vec![0.0];
        let start = AdamStep { parameter: zeros(), first: zeros(), second: zeros(), largest: zeros() };
        let plain = Adam { beta2: 0.5, ..Adam::default() };
        let steps = [plain, Adam { amsgrad: true, ..plain }].map(|op| {
            let once = adam(&op, 1, &start, &[8.0]);
            let twice = adam(&op, 2, &once, &[0.0]);
            assert_eq!(once.parameter, [-1e-3]);
            twice.parameter[0] - once.parameter[0]
        });
        assert!(steps[0] < steps[1] && steps[1] < 0.0, "{steps:?}");
    }

    #[test]
    fn a_lamb_step_is_as_long_as_the_rate_says() {
        let op = Lamb { lr: 0.25, weight_decay: 0.0, eps: 0.0, ..Lamb::default() };
        let step = lamb(&op, 1, &[3.0, 4.0], &[1e-3, -50.0], &[0.0; 2], &[0.0; 2]);
        // The direction is (1, −1), the weight's norm 5.
        let length = 0.25 * 5.0 / 2.0f32.sqrt();
        crate::compare::assert_close("parameter", &step.parameter, &[3.0 - length, 4.0 + length], 1e-6, 0.0);
        let zero = lamb(&op, 1, &[0.0], &[2.0], &[0.0], &[0.0]);
        crate::compare::assert_close("parameter", &zero.parameter, &[-0.25], 1e-6, 0.0);
    }

    #[test]
    fn norms() {
        let parts: [&[f32]; 2] = [&[3.0], &[-4.0, 0.0]];
        assert_eq!(total_norm(&parts, 2.0), 5.0);
        assert_eq!(total_norm(&parts, 1.0), 7.0);
        assert_eq!(total_norm(&parts, f32::INFINITY), 4.0);
    }
}
