//! Mean and variance over axes.

use tilewright_tensor::Tensor;

use crate::var::{Rule, Var};

/// d mean / dx = 1 / n and d variance / dx = 2 (x − mean) / n. Of mean and rest together the gradient is that of the mean:
/// what is rounded from one to the other has none. Saves x, mean and rest.
pub(super) fn moments(inputs: &[&Var], outputs: &[Tensor]) -> Rule {
    let (x, mean, rest) = (inputs[0].tensor().clone(), outputs[0].clone(), outputs[1].clone());
    Box::new(move |gradients, _| {
        let share = 1.0 / (x.count() as f32 / mean.count().max(1) as f32);
        let of = |at: usize| gradients.get(at).and_then(Option::as_ref);
        let through_mean = match of(0) {
            Some(grad) => Some(grad.scale(share)?.expand(x.shape())?),
            None => None,
        };
        let through_variance = match of(2) {
            Some(grad) => Some(x.sub(&mean)?.sub(&rest)?.mul(&grad.scale(2.0 * share)?)?),
            None => None,
        };
        let gradient = match (through_mean, through_variance) {
            (Some(mean), Some(variance)) => Some(mean.add(&variance)?),
            (mean, variance) => mean.or(variance),
        };
        // A rest alone was asked for: it has none.
        let gradient = match gradient {
            Some(gradient) => gradient,
            None => Tensor::zeros(x.context(), x.shape())?,
        };
        Ok(vec![Some(gradient)])
    })
}
