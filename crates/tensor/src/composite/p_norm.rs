//! The p-norm over axes.

use tilewright_ops::{BinaryOp, ReduceOp, UnaryOp};

use super::norm::{l1_norm, l2_norm};
use super::operand::{Operand, parameter};
use crate::error::Error;
use crate::tensor::Tensor;

/// (Σ |x|ᵖ)^(1/p) over `axes` (none means all): the largest magnitude for ∞, the smallest for −∞, the number of elements
/// that are not 0 for 0. At 0 the gradient is 0.
pub fn norm<V: Operand>(x: &V, p: f32, axes: &[usize], keepdim: bool) -> Result<V, V::Error> {
    let magnitude = || x.unary(UnaryOp::Abs);
    if p.is_nan() {
        return Err(parameter::<V>("norm", "p", p, "it must be a number"));
    }
    if p == f32::INFINITY {
        return magnitude()?.reduce(ReduceOp::Max, axes, keepdim);
    }
    if p == f32::NEG_INFINITY {
        return magnitude()?.reduce(ReduceOp::Min, axes, keepdim);
    }
    if p == 0.0 {
        let none = x.values(&[0.0], &[])?;
        let equal = x.tensor().binary(BinaryOp::Equal, none.tensor())?;
        return none.where_on(&equal, &x.values(&[1.0], &[])?)?.reduce(ReduceOp::Sum, axes, keepdim);
    }
    if p == 1.0 {
        return l1_norm(x, axes, keepdim);
    }
    if p == 2.0 {
        return l2_norm(x, axes, keepdim);
    }
    let (zero, one) = (x.values(&[0.0], &[])?, x.values(&[1.0], &[])?);
    let power = |x: &V, by: f32| x.binary(BinaryOp::Pow, &x.values(&[by], &[])?);
    if x.shape().contains(&0) {
        return power(&power(&magnitude()?, p)?.reduce(ReduceOp::Sum, axes, keepdim)?, 1.0 / p);
    }
    // By the largest magnitude, so that no power leaves f32: |x| / m is 1 at most. m is no variable, the quotient's gradient by
    // it being 0.
    let most = x.tensor().unary(UnaryOp::Abs)?.reduce(ReduceOp::Max, axes, true)?;
    let finite = most.binary(BinaryOp::Less, &Operand::values(&most, &[f32::INFINITY], &[])?)?;
    let positive = most.binary(BinaryOp::Greater, zero.tensor())?;
    let most = most.where_on(&finite.binary(BinaryOp::Mul, &positive)?, one.tensor())?;
    let most = V::constant(most);
    let sum = power(&magnitude()?.div(&most)?, p)?.reduce(ReduceOp::Sum, axes, keepdim)?;
    let none = sum.tensor().binary(BinaryOp::Equal, zero.tensor())?;
    let root = power(&one.where_on(&none, &sum)?, 1.0 / p)?;
    zero.where_on(&none, &root)?.mul(&most.with_shape(sum.shape())?)
}

impl Tensor {
    /// (Σ |x|ᵖ)^(1/p) over `axes` (none means all): `torch.linalg.vector_norm`. For ∞ it is the largest magnitude, for −∞
    /// the smallest, for 0 the number of elements that are not 0. Powers are of shares of the largest magnitude, so that
    /// none leaves f32.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Parameter`] for a p that is NaN; those of [`Tensor::reduce`].
    pub fn norm(&self, p: f32, axes: &[usize], keepdim: bool) -> Result<Self, Error> {
        norm(self, p, axes, keepdim)
    }
}
