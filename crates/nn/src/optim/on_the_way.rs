//! The optimizer's step in the backward pass.

use tilewright_autograd::{Gradients, Var};

use super::optimizer::Optimizer;
use crate::error::Result;

/// Goes back from `loss` and changes each parameter as soon as its gradient is whole, so that gradients are never all in memory
/// at once. The new values have the bits of [`Optimizer::step`] after the backward pass where a parameter's step depends on its own
/// gradient alone (SGD, AdamW); clipping by a common norm and accumulation over batches need all gradients, and this gives none.
///
/// # Errors
/// Those of the backward pass and of the optimizer; parameters whose turn had come are changed then.
pub fn step_on_the_way(loss: &Var, optimizer: &mut dyn Optimizer, lr: f32) -> Result<()> {
    loss.backward_each(|id, gradient| optimizer.step(&mut Gradients::of(id, gradient), lr))
}
