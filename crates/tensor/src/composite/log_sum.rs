//! The logarithm of a sum.

use tilewright_ops::{ReduceOp, UnaryOp};

use super::operand::Operand;
use crate::error::Error;
use crate::tensor::Tensor;

/// log Σ x over `axes` (none means all).
pub fn log_sum<V: Operand>(x: &V, axes: &[usize], keepdim: bool) -> Result<V, V::Error> {
    x.reduce(ReduceOp::Sum, axes, keepdim)?.unary(UnaryOp::Log)
}

impl Tensor {
    /// log Σ x over `axes` (none means all): ONNX's ReduceLogSum.
    ///
    /// # Errors
    /// Those of [`Tensor::reduce`].
    pub fn log_sum(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        log_sum(self, axes, keepdim)
    }
}
