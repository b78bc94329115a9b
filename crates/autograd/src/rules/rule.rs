//! How rules are written.

use tilewright_tensor::Tensor;

use crate::{
    error::Result,
    var::{Needs, Rule, of_one},
};

/// What an operation does on the way back.
pub(crate) enum Backward {
    /// It has a gradient.
    Rule(Rule),
    /// Its gradient is 0 wherever it has one, or its result is no real number: nothing goes back.
    Nothing,
}

/// The rule of an operation with one operand and one result.
pub(super) fn simple(rule: impl FnOnce(&Tensor) -> Result<Tensor> + Send + 'static) -> Rule {
    of_one(move |grad_y, _| Ok(vec![Some(rule(grad_y)?)]))
}

/// The gradients that are wanted, each by its own function.
pub(super) fn wanted<const N: usize>(
    needs: Needs<'_>,
    gradients: [&dyn Fn() -> Result<Tensor>; N],
) -> Result<Vec<Option<Tensor>>> {
    needs.iter().zip(gradients).map(|(&wanted, gradient)| wanted.then(gradient).transpose()).collect()
}

/// A shape as [`Tensor::reshape`] takes it.
pub(super) fn signed(shape: &[usize]) -> Vec<isize> {
    shape.iter().map(|&extent| extent as isize).collect()
}
