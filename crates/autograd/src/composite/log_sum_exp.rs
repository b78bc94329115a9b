//! The logarithm of a sum of exponentials.

use tilewright_tensor::composite::log_sum_exp;

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// log Σ eˣ over `axes` (none means all), whose gradient is the softmax; see
    /// [`tilewright_tensor::Tensor::log_sum_exp`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::log_sum_exp`].
    pub fn log_sum_exp(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        log_sum_exp::log_sum_exp(self, axes, keepdim)
    }
}
