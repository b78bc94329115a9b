//! Lines less their mean, times a number.

use super::rule::wanted;
use crate::var::{Rule, Var, of_one};

/// y = (x − mean − rest) · inv_std. Saves the operands.
pub(super) fn standardize(inputs: &[&Var]) -> Rule {
    let [x, mean, rest, inv_std] = [0, 1, 2, 3].map(|at: usize| inputs[at].tensor().clone());
    of_one(move |grad_y, needs| {
        let through = grad_y.mul(&inv_std)?;
        let of_mean = || Ok(through.sum_to_shape(mean.shape())?.scale(-1.0)?);
        let of_scale = || Ok(grad_y.mul(&x.sub(&mean)?.sub(&rest)?)?.sum_to_shape(mean.shape())?);
        wanted(needs, [&|| Ok(through.clone()), &of_mean, &of_mean, &of_scale])
    })
}
