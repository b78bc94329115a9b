//! Lines divided by their norm.

use tilewright_tensor::composite::lp_normalize;

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// `x / ‖x‖ₚ` along `axis`, with p 1 or 2; see [`tilewright_tensor::Tensor::lp_normalize`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::lp_normalize`].
    pub fn lp_normalize(&self, p: usize, axis: usize) -> Result<Self, Error> {
        lp_normalize::lp_normalize(self, p, axis)
    }
}
