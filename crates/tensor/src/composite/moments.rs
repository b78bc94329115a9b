//! Mean and variance over axes, and what is normalised by them.

use tilewright_ops::{ReduceOp, UnaryOp};

use super::operand::Operand;
use crate::error::Error;
use crate::tensor::Tensor;

/// A value with mean 0 and deviation 1 over some axes, and the statistics, whose reduced axes have extent 1.
#[derive(Clone, Debug)]
pub struct Standardized<V> {
    /// `(x − mean) · inv_std`.
    pub y: V,
    /// The mean.
    pub mean: V,
    /// The biased variance: the mean of (x − mean)².
    pub variance: V,
    /// 1 / √(variance + eps).
    pub inv_std: V,
}

/// Mean and biased variance over `axes` (none means all), which stay with extent 1. The variance is the mean of the
/// squared distances from the mean, so that nothing cancels.
pub fn moments<V: Operand>(x: &V, axes: &[usize]) -> Result<(V, V), V::Error> {
    let mean = x.reduce(ReduceOp::Mean, axes, true)?;
    let variance = x.sub(&mean)?.unary(UnaryOp::Square)?.reduce(ReduceOp::Mean, axes, true)?;
    Ok((mean, variance))
}

/// `(x − mean) / √(variance + eps)` with the moments over `axes` (none means all).
pub fn standardize<V: Operand>(x: &V, axes: &[usize], eps: f32) -> Result<Standardized<V>, V::Error> {
    let (mean, variance) = moments(x, axes)?;
    let inv_std = variance.unary(UnaryOp::AddScalar { value: eps })?.unary(UnaryOp::Rsqrt)?;
    let y = x.sub(&mean)?.mul(&inv_std)?;
    Ok(Standardized { y, mean, variance, inv_std })
}

impl Tensor {
    /// Mean and biased variance over `axes` (none means all), which stay with extent 1: `torch.var_mean` with
    /// `correction=0`.
    ///
    /// # Errors
    /// Those of [`Tensor::reduce`].
    pub fn moments(&self, axes: &[usize]) -> Result<(Self, Self), Error> {
        moments(self, axes)
    }

    /// `(x − mean) / √(variance + eps)` with the biased variance over `axes` (none means all), of this tensor's shape.
    ///
    /// # Errors
    /// Those of [`Tensor::reduce`].
    pub fn standardize(&self, axes: &[usize], eps: f32) -> Result<Standardized<Self>, Error> {
        standardize(self, axes, eps)
    }
}
