//! Norms over axes.

use tilewright_ops::{ReduceOp, UnaryOp};

use super::operand::Operand;
use crate::error::Error;
use crate::tensor::Tensor;

/// Σ |x| over `axes` (none means all).
pub fn l1_norm<V: Operand>(x: &V, axes: &[usize], keepdim: bool) -> Result<V, V::Error> {
    x.unary(UnaryOp::Abs)?.reduce(ReduceOp::Sum, axes, keepdim)
}

/// Σ x² over `axes` (none means all).
pub fn sum_of_squares<V: Operand>(x: &V, axes: &[usize], keepdim: bool) -> Result<V, V::Error> {
    x.unary(UnaryOp::Square)?.reduce(ReduceOp::Sum, axes, keepdim)
}

/// √Σ x² over `axes` (none means all).
pub fn l2_norm<V: Operand>(x: &V, axes: &[usize], keepdim: bool) -> Result<V, V::Error> {
    sum_of_squares(x, axes, keepdim)?.unary(UnaryOp::Sqrt)
}

impl Tensor {
    /// Σ |x| over `axes` (none means all): `torch.linalg.vector_norm` with `ord=1`.
    ///
    /// # Errors
    /// Those of [`Tensor::reduce`].
    pub fn l1_norm(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        l1_norm(self, axes, keepdim)
    }

    /// √Σ x² over `axes` (none means all): `torch.linalg.vector_norm`.
    ///
    /// # Errors
    /// Those of [`Tensor::reduce`].
    pub fn l2_norm(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        l2_norm(self, axes, keepdim)
    }

    /// Σ x² over `axes` (none means all).
    ///
    /// # Errors
    /// Those of [`Tensor::reduce`].
    pub fn sum_of_squares(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        sum_of_squares(self, axes, keepdim)
    }
}
