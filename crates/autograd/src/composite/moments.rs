//! Mean and variance over axes.

use tilewright_ops::{Moments, Op};
use tilewright_tensor::composite::{Standardized, moments};

use crate::error::Error;
use crate::ops::results::results;
use crate::var::Var;

impl Var {
    /// Mean, rest and biased variance over `axes` (none means all), which stay with extent 1; see
    /// [`tilewright_tensor::Tensor::split_moments`]. Saves the operand, mean and rest.
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::split_moments`].
    pub fn split_moments(&self, axes: &[usize]) -> Result<[Self; 3], Error> {
        let op = Op::Moments(Moments { axes: axes.to_vec() });
        results(&op, Self::run(&op, &[self])?)
    }

    /// `((x − mean) − rest) · inv_std`; see [`tilewright_tensor::Tensor::standardize_by`]. Saves the operands.
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::standardize_by`].
    pub fn standardize_by(&self, [mean, rest, inv_std]: [&Self; 3]) -> Result<Self, Error> {
        Self::run_one(&Op::Standardize, &[self, mean, rest, inv_std])
    }

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
