//! How rules are written.

use tilewright_ops::{Gradient, Op};
use tilewright_tensor::{Hints, Tensor};

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

/// `gradient` of `inputs`. Where nobody else holds `inputs[over]`, the gradient that came in, the result may lie in its place.
pub(super) fn run_over(gradient: Gradient, inputs: &[&Tensor], over: usize) -> Result<Vec<Tensor>> {
    let over = Some(over).filter(|&over| inputs[over].buffer().is_spare());
    let hints = Hints { over, ..Hints::default() };
    Ok(Tensor::run_with(&Op::Gradient(gradient), inputs, &hints)?)
}

/// A shape as [`Tensor::reshape`] takes it.
pub(super) fn signed(shape: &[usize]) -> Vec<isize> {
    shape.iter().map(|&extent| extent as isize).collect()
}
