//! Variance and standard deviation over axes.

use tilewright_ops::ShapeError;

use super::norm::root;
use super::operand::{Operand, fails};
use crate::error::Error;
use crate::tensor::Tensor;

/// Variance and mean over `axes` (none means all); the variance's divisor is the count less `correction`.
pub fn var_mean<V: Operand>(
    x: &V,
    axes: &[usize],
    correction: usize,
    keepdim: bool,
) -> Result<(V, V), V::Error> {
    if x.shape().contains(&0) {
        let (op, shape, axes) = ("var_mean", x.shape().to_vec(), axes.to_vec());
        return Err(fails::<V>(ShapeError::EmptyReduction { op, shape, axes }));
    }
    let [mean, _, biased] = x.split_moments(axes)?;
    let all: Vec<usize> = (0..x.shape().len()).collect();
    let axes = if axes.is_empty() { &all } else { axes };
    let count: usize = axes.iter().map(|&axis| x.shape()[axis]).product();
    // Nothing left to divide by: an infinity, and of no spread a NaN, as in PyTorch.
    let factor = count as f64 / count.saturating_sub(correction) as f64;
    let variance = if correction == 0 { biased } else { biased.scale(factor as f32)? };
    if keepdim {
        return Ok((variance, mean));
    }
    let mut shape = x.shape().to_vec();
    axes.iter().for_each(|&axis| shape[axis] = usize::MAX);
    shape.retain(|&extent| extent != usize::MAX);
    Ok((variance.with_shape(&shape)?, mean.with_shape(&shape)?))
}

/// The root of [`var_mean`]'s variance; at 0 its gradient is 0.
pub fn std<V: Operand>(x: &V, axes: &[usize], correction: usize, keepdim: bool) -> Result<V, V::Error> {
    root(&var_mean(x, axes, correction, keepdim)?.0)
}

impl Tensor {
    /// Variance and mean over `axes` (none means all): `torch.var_mean`. The sum of squares is divided by the count less
    /// `correction`: 1 is PyTorch's default, 0 the biased variance. In one pass, of shifted sums.
    ///
    /// # Errors
    /// Those of [`Tensor::split_moments`]; [`ShapeError::EmptyReduction`] of an empty tensor.
    pub fn var_mean(&self, axes: &[usize], correction: usize, keepdim: bool) -> Result<(Self, Self), Error> {
        var_mean(self, axes, correction, keepdim)
    }

    /// The variance of [`Tensor::var_mean`]: `torch.var`.
    ///
    /// # Errors
    /// As [`Tensor::var_mean`].
    pub fn var(&self, axes: &[usize], correction: usize, keepdim: bool) -> Result<Self, Error> {
        Ok(self.var_mean(axes, correction, keepdim)?.0)
    }

    /// The root of [`Tensor::var`]: `torch.std`.
    ///
    /// # Errors
    /// As [`Tensor::var_mean`].
    pub fn std(&self, axes: &[usize], correction: usize, keepdim: bool) -> Result<Self, Error> {
        std(self, axes, correction, keepdim)
    }
}
