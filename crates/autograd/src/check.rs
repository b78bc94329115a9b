//! Gradient checking by central finite differences.

use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

use crate::{error::Error, error::Result, var::Var};

/// How a gradient is checked.
#[derive(Clone, Copy, Debug)]
pub struct GradientCheck {
    /// The step of the central difference. In f32, 1e-2 to 1e-3 balances rounding against curvature.
    pub step: f32,
    /// Allowed difference, relative to the largest gradient of the operand.
    pub tolerance: f32,
}

impl Default for GradientCheck {
    fn default() -> Self {
        Self { step: 5e-3, tolerance: 1e-2 }
    }
}

/// Checks the gradients of `function` at `inputs` (values and shapes) against central differences of
/// `Σ weight · function(inputs)`, with fixed weights that differ from element to element.
///
/// # Errors
/// [`Error::Check`] names the operand and element that are off.
pub fn check_gradients(
    context: &Context,
    inputs: &[(Vec<f32>, Vec<usize>)],
    check: GradientCheck,
    function: impl Fn(&[Var]) -> Result<Var>,
) -> Result<()> {
    let tensors = |values: &[Vec<f32>]| -> Result<Vec<Tensor>> {
        let pairs = values.iter().zip(inputs);
        pairs.map(|(v, (_, shape))| Ok(Tensor::from_slice(context, v, shape)?)).collect()
    };
    let mut values: Vec<_> = inputs.iter().map(|(values, _)| values.clone()).collect();
    let leaves: Vec<_> = tensors(&values)?.into_iter().map(Var::leaf).collect();
    let output = function(&leaves)?;
    let weights: Vec<f32> =
        (0..output.tensor().count()).map(|i| ((i * 37 + 11) % 19) as f32 / 19.0 - 0.4).collect();
    let seed = Tensor::from_slice(context, &weights, output.shape())?;
    let gradients = output.backward_with(&seed)?;
    let value_at = |values: &[Vec<f32>]| -> Result<f64> {
        let vars: Vec<_> = tensors(values)?.into_iter().map(Var::constant).collect();
        let output = function(&vars)?.tensor().to_vec::<f32>()?;
        Ok(output.iter().zip(&weights).map(|(&y, &w)| f64::from(y) * f64::from(w)).sum())
    };
    for (operand, leaf) in leaves.iter().enumerate() {
        let exact = match gradients.get(leaf) {
            Some(gradient) => gradient.to_vec::<f32>()?,
            None => vec![0.0; values[operand].len()],
        };
        let largest = exact.iter().fold(1e-3f32, |m, g| m.max(g.abs()));
        for at in 0..values[operand].len() {
            let middle = values[operand][at];
            values[operand][at] = middle + check.step;
            let above = value_at(&values)?;
            values[operand][at] = middle - check.step;
            let below = value_at(&values)?;
            values[operand][at] = middle;
            let slope = ((above - below) / (2.0 * f64::from(check.step))) as f32;
            let difference = (slope - exact[at]).abs();
            if difference.is_nan() || difference > check.tolerance * largest {
                return Err(Error::Check(format!(
                    "operand {operand}, element {at}: the backward rule says {}, the difference quotient {slope}",
                    exact[at]
                )));
            }
        }
    }
    Ok(())
}
