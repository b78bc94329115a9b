//! Mean and variance over axes, and what is normalised by them.

use tilewright_ops::{Moments, Op, UnaryOp};

use super::operand::Operand;
use crate::error::Error;
use crate::ops::results::results;
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

/// Mean and biased variance over `axes` (none means all), which stay with extent 1.
pub fn moments<V: Operand>(x: &V, axes: &[usize]) -> Result<(V, V), V::Error> {
    let [mean, _, variance] = x.split_moments(axes)?;
    Ok((mean, variance))
}

/// `(x − mean) / √(variance + eps)` with the moments over `axes` (none means all). What f32 cannot say of the mean is
/// subtracted by itself: far from 0 the rounding of a mean is more than a small spread.
pub fn standardize<V: Operand>(x: &V, axes: &[usize], eps: f32) -> Result<Standardized<V>, V::Error> {
    let [mean, rest, variance] = x.split_moments(axes)?;
    let inv_std = variance.unary(UnaryOp::AddScalar { value: eps })?.unary(UnaryOp::Rsqrt)?;
    let y = x.standardize_by([&mean, &rest, &inv_std])?;
    Ok(Standardized { y, mean, variance, inv_std })
}

impl Tensor {
    /// Mean, rest and biased variance over `axes` (none means all), which stay with extent 1: see [`Moments`]. The mean is
    /// rounded to f32; `(x − mean) − rest` is the distance from it before.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Axis`], [`tilewright_ops::ShapeError::RepeatedAxis`]; [`Error::DType`] unless f32.
    pub fn split_moments(&self, axes: &[usize]) -> Result<[Self; 3], Error> {
        let op = Op::Moments(Moments { axes: axes.to_vec() });
        results(&op, Self::run(&op, &[self])?)
    }

    /// `((x − mean) − rest) · inv_std`, of which the last three have one shape, with extent 1 or this tensor's along each axis:
    /// in one kernel where the axes of extent 1 are neighbours in memory.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Operand`]; [`Error::DType`] unless f32.
    pub fn standardize_by(&self, [mean, rest, inv_std]: [&Self; 3]) -> Result<Self, Error> {
        Self::run_one(&Op::Standardize, &[self, mean, rest, inv_std])
    }

    /// Mean and biased variance over `axes` (none means all), which stay with extent 1: `torch.var_mean` with
    /// `correction=0`.
    ///
    /// # Errors
    /// Those of [`Tensor::split_moments`].
    pub fn moments(&self, axes: &[usize]) -> Result<(Self, Self), Error> {
        moments(self, axes)
    }

    /// `(x − mean) / √(variance + eps)` with the biased variance over `axes` (none means all), of this tensor's shape.
    ///
    /// # Errors
    /// Those of [`Tensor::split_moments`].
    pub fn standardize(&self, axes: &[usize], eps: f32) -> Result<Standardized<Self>, Error> {
        standardize(self, axes, eps)
    }
}
