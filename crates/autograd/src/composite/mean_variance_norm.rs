//! Mean-variance normalisation.

use tilewright_tensor::composite::mean_variance_norm;

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// Mean 0 and deviation 1 over `axes` (none means all); see [`tilewright_tensor::Tensor::mean_variance_norm`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::mean_variance_norm`].
    pub fn mean_variance_norm(&self, axes: &[usize]) -> Result<Self, Error> {
        mean_variance_norm::mean_variance_norm(self, axes)
    }
}
