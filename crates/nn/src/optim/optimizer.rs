//! What every optimizer does.

use tilewright_autograd::Gradients;

use crate::{error::Result, state::state_dict::StateDict};

/// Changes parameters by their gradients.
pub trait Optimizer: Send {
    /// One step with this learning rate. A parameter without a gradient stays as it is; gradients are taken out, so
    /// that their memory goes back.
    fn step(&mut self, gradients: &mut Gradients, lr: f32) -> Result<()>;

    /// What must be kept for an exact resume.
    fn state(&self) -> Result<StateDict>;

    /// Puts back what [`Self::state`] gave; `file` names the source in errors.
    ///
    /// # Errors
    /// [`crate::Error::StateDict`] if it is another optimizer's or another network's; then nothing has changed.
    fn load_state(&mut self, state: &StateDict, file: &str) -> Result<()>;
}
