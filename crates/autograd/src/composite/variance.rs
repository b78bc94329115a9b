//! Variances, norms and extremes over axes.

use tilewright_ops::ReduceOp;
use tilewright_tensor::composite::{log_sum_exp, p_norm, variance};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// Variance and mean over `axes` (none means all); see [`tilewright_tensor::Tensor::var_mean`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::var_mean`].
    pub fn var_mean(&self, axes: &[usize], correction: usize, keepdim: bool) -> Result<(Self, Self), Error> {
        variance::var_mean(self, axes, correction, keepdim)
    }

    /// The variance over `axes` (none means all); see [`tilewright_tensor::Tensor::var`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::var_mean`].
    pub fn var(&self, axes: &[usize], correction: usize, keepdim: bool) -> Result<Self, Error> {
        Ok(variance::var_mean(self, axes, correction, keepdim)?.0)
    }

    /// The standard deviation over `axes` (none means all), whose gradient at 0 is 0; see [`tilewright_tensor::Tensor::std`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::var_mean`].
    pub fn std(&self, axes: &[usize], correction: usize, keepdim: bool) -> Result<Self, Error> {
        variance::std(self, axes, correction, keepdim)
    }

    /// (Σ |x|ᵖ)^(1/p) over `axes` (none means all), whose gradient at 0 is 0; see [`tilewright_tensor::Tensor::norm`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::norm`].
    pub fn norm(&self, p: f32, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        p_norm::norm(self, p, axes, keepdim)
    }

    /// The largest element over `axes` (none means all), whose gradient equal elements share.
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::reduce`].
    pub fn amax(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        self.reduce(ReduceOp::Max, axes, keepdim)
    }

    /// The smallest element over `axes` (none means all), whose gradient equal elements share.
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::reduce`].
    pub fn amin(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        self.reduce(ReduceOp::Min, axes, keepdim)
    }

    /// The product over `axes` (none means all).
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::reduce`].
    pub fn prod(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        self.reduce(ReduceOp::Prod, axes, keepdim)
    }

    /// log Σ exp(x) over `axes` (none means all); see [`tilewright_tensor::Tensor::logsumexp`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::reduce`].
    pub fn logsumexp(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        log_sum_exp::log_sum_exp(self, axes, keepdim)
    }
}
