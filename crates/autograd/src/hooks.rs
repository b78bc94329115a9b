//! What is asked of the gradient of a value, before the way back begins.

use tilewright_tensor::Tensor;

use crate::{error::Result, node::Asked, var::Var};

impl Var {
    /// Has the gradient of this value among those that [`Self::backward`] gives, as a leaf's always is
    /// ([`crate::Gradients::get`]).
    ///
    /// # Errors
    /// [`crate::Error::Constant`] if no gradient goes through it.
    pub fn retain_gradient(&self) -> Result<()> {
        let place = self.place("retain_gradient")?;
        place.node.ask(Asked::Retain(place.output));
        Ok(())
    }

    /// Calls `hook` with the gradient of this value when it is whole, as the way back comes by. What it gives, of the same
    /// shape and type, takes the gradient's place; with `None` the gradient stays. Several hooks run in the order in which they
    /// were given, each on what the one before left; what is retained is what the last left.
    ///
    /// # Errors
    /// [`crate::Error::Constant`] if no gradient goes through it. An error of the hook ends the way back.
    pub fn on_gradient(
        &self,
        hook: impl FnMut(&Tensor) -> Result<Option<Tensor>> + Send + 'static,
    ) -> Result<()> {
        let place = self.place("on_gradient")?;
        place.node.ask(Asked::Hook(place.output, Box::new(hook)));
        Ok(())
    }
}
