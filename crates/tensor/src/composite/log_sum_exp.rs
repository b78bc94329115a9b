//! The logarithm of a sum of exponentials.

use tilewright_ops::{ReduceOp, UnaryOp};

use super::operand::Operand;
use crate::error::Error;
use crate::tensor::Tensor;

/// log Σ eˣ over `axes` (none means all), around the largest element, so that nothing overflows.
pub fn log_sum_exp<V: Operand>(x: &V, axes: &[usize], keepdim: bool) -> Result<V, V::Error> {
    if x.tensor().count() == 0 {
        // A sum of nothing, whose logarithm is -infinity.
        return x.reduce(ReduceOp::Sum, axes, keepdim)?.unary(UnaryOp::Log);
    }
    // The result does not depend on it, so that it needs no gradient. A finite one: the distance of two infinities is NaN.
    let largest = x.tensor().reduce(ReduceOp::Max, axes, true)?;
    let largest = V::constant(largest.unary(UnaryOp::Clamp { min: f32::MIN, max: f32::MAX })?);
    let sums = x.sub(&largest)?.unary(UnaryOp::Exp)?.reduce(ReduceOp::Sum, axes, keepdim)?;
    let base = largest.with_shape(sums.shape())?;
    sums.unary(UnaryOp::Log)?.add(&base)
}

impl Tensor {
    /// log Σ eˣ over `axes` (none means all), computed around the largest element, so that nothing overflows:
    /// `torch.logsumexp`. Of nothing, and of −∞ alone, it is −∞.
    ///
    /// # Errors
    /// Those of [`Tensor::reduce`] for a sum.
    pub fn log_sum_exp(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        log_sum_exp(self, axes, keepdim)
    }
}
