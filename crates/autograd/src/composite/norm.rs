//! Norms over axes.

use tilewright_tensor::composite::norm;

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// Σ |x| over `axes` (none means all), whose gradient at 0 is 0.
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::l1_norm`].
    pub fn l1_norm(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        norm::l1_norm(self, axes, keepdim)
    }

    /// √Σ x² over `axes` (none means all). A norm of 0 has no gradient: it is NaN there.
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::l2_norm`].
    pub fn l2_norm(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        norm::l2_norm(self, axes, keepdim)
    }

    /// Σ x² over `axes` (none means all).
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::sum_of_squares`].
    pub fn sum_of_squares(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        norm::sum_of_squares(self, axes, keepdim)
    }
}
