//! Norms over axes.

use tilewright_ops::{BinaryOp, ReduceOp, UnaryOp};

use super::operand::Operand;
use crate::error::Error;
use crate::tensor::Tensor;

/// Magnitudes between these have squares whose sums f32 holds.
const SAFE: [f32; 2] = [1.0 / LARGE, LARGE];
const LARGE: f32 = (1u64 << 50) as f32;

/// What takes larger and smaller ones, up to the ends of f32, in between: a power of two, which rounds nothing.
const STEP: f32 = (1u128 << 100) as f32;

/// The factors, over `axes` with extent 1, by which elements are multiplied before they are squared: 1 where the largest
/// magnitude is safe.
pub(super) fn safe_factors<V: Operand>(x: &V, axes: &[usize]) -> Result<Tensor, Error> {
    let x = x.tensor();
    let compare = |tensor: &Tensor, op, value: f32| tensor.binary(op, &Operand::values(x, &[value], &[])?);
    let magnitude = x.unary(UnaryOp::Abs)?.reduce(ReduceOp::Max, axes, true)?;
    let large = compare(&magnitude, BinaryOp::Greater, SAFE[1])?;
    let small = compare(&magnitude, BinaryOp::Less, SAFE[0])?;
    let value = |value: f32| Operand::values(x, &[value], &[]);
    value(1.0 / STEP)?.where_on(&large, &value(STEP)?.where_on(&small, &value(1.0)?)?)
}

/// Σ |x| over `axes` (none means all).
pub fn l1_norm<V: Operand>(x: &V, axes: &[usize], keepdim: bool) -> Result<V, V::Error> {
    x.unary(UnaryOp::Abs)?.reduce(ReduceOp::Sum, axes, keepdim)
}

/// Σ x² over `axes` (none means all).
pub fn sum_of_squares<V: Operand>(x: &V, axes: &[usize], keepdim: bool) -> Result<V, V::Error> {
    x.unary(UnaryOp::Square)?.reduce(ReduceOp::Sum, axes, keepdim)
}

/// √Σ x² over `axes` (none means all). Elements whose squares f32 does not hold are scaled first; at 0 the gradient is 0.
pub fn l2_norm<V: Operand>(x: &V, axes: &[usize], keepdim: bool) -> Result<V, V::Error> {
    if x.shape().contains(&0) {
        return sum_of_squares(x, axes, keepdim)?.unary(UnaryOp::Sqrt);
    }
    let factors = safe_factors(x, axes)?;
    let norm = root_of_squares(&x.mul(&V::constant(factors.clone()))?, axes, keepdim)?;
    let factors = Operand::with_shape(&factors, norm.shape())?;
    norm.div(&V::constant(factors))
}

/// √Σ x², whose gradient at 0 is 0.
pub(super) fn root_of_squares<V: Operand>(x: &V, axes: &[usize], keepdim: bool) -> Result<V, V::Error> {
    root(&sum_of_squares(x, axes, keepdim)?)
}

/// √x, whose gradient at 0 is 0.
pub(super) fn root<V: Operand>(x: &V) -> Result<V, V::Error> {
    let (zero, one) = (x.values(&[0.0], &[])?, x.values(&[1.0], &[])?);
    let none = x.tensor().binary(BinaryOp::Equal, zero.tensor())?;
    let safe = one.where_on(&none, x)?;
    zero.where_on(&none, &safe.unary(UnaryOp::Sqrt)?)
}

impl Tensor {
    /// Σ |x| over `axes` (none means all): `torch.linalg.vector_norm` with `ord=1`.
    ///
    /// # Errors
    /// Those of [`Tensor::reduce`].
    pub fn l1_norm(&self, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        l1_norm(self, axes, keepdim)
    }

    /// √Σ x² over `axes` (none means all): `torch.linalg.vector_norm`, but of magnitudes such as 1e30 and 1e-30, whose squares
    /// leave f32, it is right too.
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
