//! Whole copies side by side.

use tilewright_tensor::composite::repeat;

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// `repeats[axis]` copies along each axis, whose gradients add up; see [`tilewright_tensor::Tensor::repeat`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::repeat`].
    pub fn repeat(&self, repeats: &[usize]) -> Result<Self, Error> {
        repeat::repeat(self, repeats)
    }
}
