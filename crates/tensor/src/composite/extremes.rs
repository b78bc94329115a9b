//! Reductions under PyTorch's names.

use tilewright_ops::ReduceOp;

use super::log_sum_exp::log_sum_exp;
use crate::error::Error;
use crate::tensor::Tensor;

impl Tensor {
    /// The largest element over `axes` (none means all): `torch.amax`, whose gradient equal elements share.
    ///
    /// # Errors
    /// Those of [`Tensor::reduce`].
    pub fn amax(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        self.reduce(ReduceOp::Max, axes, keepdim)
    }

    /// The smallest element over `axes` (none means all): `torch.amin`.
    ///
    /// # Errors
    /// Those of [`Tensor::reduce`].
    pub fn amin(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        self.reduce(ReduceOp::Min, axes, keepdim)
    }

    /// The product over `axes` (none means all): `torch.prod`, over several axes too.
    ///
    /// # Errors
    /// Those of [`Tensor::reduce`].
    pub fn prod(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        self.reduce(ReduceOp::Prod, axes, keepdim)
    }

    /// log Σ exp(x) over `axes` (none means all): `torch.logsumexp`, another name of [`Tensor::log_sum_exp`].
    ///
    /// # Errors
    /// Those of [`Tensor::reduce`].
    pub fn logsumexp(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        log_sum_exp(self, axes, keepdim)
    }
}
