//! The logarithm of a sum.

use tilewright_tensor::composite::log_sum;

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// log Σ x over `axes` (none means all); see [`tilewright_tensor::Tensor::log_sum`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::log_sum`].
    pub fn log_sum(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        log_sum::log_sum(self, axes, keepdim)
    }
}
