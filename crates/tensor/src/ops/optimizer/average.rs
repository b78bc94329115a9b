//! Running means of weights.

use tilewright_kernels::optimizer;
use tilewright_ops::ShapeError;

use super::operands::state;
use crate::{error::Result, large, tensor::Tensor};

/// `average ← keep · average + (1 − keep) · param` in place, on `average` alone; it lies as `param` does.
///
/// # Errors
/// [`ShapeError::Parameter`] unless `keep` is in 0 ..= 1; [`ShapeError::Operand`] where shapes differ;
/// [`crate::Error::Layout`]; [`crate::Error::DType`] unless both are f32.
pub fn average_step(average: &Tensor, param: &Tensor, keep: f64) -> Result<()> {
    let name = "ema";
    if !(0.0..=1.0).contains(&keep) {
        let (value, hint) = (keep.to_string(), "it must be between 0 and 1");
        return Err(ShapeError::Parameter { op: name, parameter: "keep", value, hint }.into());
    }
    param.refuse_symbolic(name)?;
    param.require_f32(name, "param")?;
    state(name, "average", param, average)?;
    let context = param.context();
    if keep == 0.0 && param.count() > 0 {
        // Not by a factor of 0, which leaves a NaN in the average one.
        let bytes = param.count() as u64 * 4;
        return Ok(context.copy(param.buffer(), 0, average.buffer(), 0, bytes)?);
    }
    large::in_place(&[average, param], 1, |part| {
        let [average, param] = [0, 1].map(|at| part[at].buffer());
        Ok(optimizer::ema(context, keep, param, average, part[0].count())?)
    })
}
