//! Mean and variance over axes.

use tilewright_tensor::composite::{Standardized, moments};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// Mean and biased variance over `axes` (none means all), which stay with extent 1.
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::moments`].
    pub fn moments(&self, axes: &[usize]) -> Result<(Self, Self), Error> {
        moments::moments(self, axes)
    }

    /// `(x − mean) / √(variance + eps)` with the biased moments over `axes` (none means all).
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::standardize`].
    pub fn standardize(&self, axes: &[usize], eps: f32) -> Result<Standardized<Self>, Error> {
        moments::standardize(self, axes, eps)
    }
}
