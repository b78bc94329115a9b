//! The logarithm of a sum of exponentials.

use tilewright_ops::{BinaryOp, ReduceOp, UnaryOp};

use super::operand::Operand;
use crate::error::Error;
use crate::tensor::Tensor;

/// log Σ eˣ over `axes` (none means all), around the largest element, so that nothing overflows.
pub fn log_sum_exp<V: Operand>(x: &V, axes: &[usize], keepdim: bool) -> Result<V, V::Error> {
    // The result does not depend on it, so that it needs no gradient. From an infinity there is no distance.
    let largest = x.tensor().reduce(ReduceOp::Max, axes, true)?;
    let [zero, most] = [0.0, f32::MAX].map(|value| Operand::values(x.tensor(), &[value], &[]));
    let finite = largest.unary(UnaryOp::Abs)?.binary(BinaryOp::LessOrEqual, &most?)?;
    let largest = V::constant(largest.where_on(&finite, &zero?)?);
    let sums = x.sub(&largest)?.unary(UnaryOp::Exp)?.reduce(ReduceOp::Sum, axes, keepdim)?;
    let base = largest.with_shape(sums.shape())?;
    sums.unary(UnaryOp::Log)?.add(&base)
}

impl Tensor {
    /// log Σ eˣ over `axes` (none means all), computed around the largest element, so that nothing overflows:
    /// `torch.logsumexp`.
    ///
    /// # Errors
    /// Those of [`Tensor::reduce`] for a maximum.
    pub fn log_sum_exp(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        log_sum_exp(self, axes, keepdim)
    }
}
