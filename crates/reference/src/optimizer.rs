//! Optimizer steps. State is rounded to f32 after each step, as it is stored.

use tilewright_ops::{AdamW, Sgd};

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
}
