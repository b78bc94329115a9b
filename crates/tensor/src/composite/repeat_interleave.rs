//! Elements of an axis several times each.

use tilewright_ops::ShapeError;

use super::operand::{Operand, fails};
use super::repeat::repeat;
use crate::error::Error;
use crate::tensor::Tensor;

/// Each element of `axis` `times` times, one behind the other.
pub fn repeat_interleave<V: Operand>(x: &V, times: usize, axis: usize) -> Result<V, V::Error> {
    let op = "repeat_interleave";
    let Some(&extent) = x.shape().get(axis) else {
        let axis = isize::try_from(axis).unwrap_or(isize::MAX);
        return Err(fails::<V>(ShapeError::Axis { op, axis, shape: x.shape().to_vec() }));
    };
    let too_many = || fails::<V>(ShapeError::TooManyElements { op, shape: x.shape().to_vec() });
    let outer: usize = x.shape()[..axis].iter().product();
    let inner: usize = x.shape()[axis + 1..].iter().product();
    let mut shape = x.shape().to_vec();
    shape[axis] = extent.checked_mul(times).ok_or_else(too_many)?;
    let lines = outer * extent;
    x.with_shape(&[lines, 1, inner])?.expand(&[lines, times, inner])?.with_shape(&shape)
}

/// Copies along each axis, as many as `repeats` says; missing leading numbers are 1, missing leading axes are made.
pub fn tile<V: Operand>(x: &V, repeats: &[usize]) -> Result<V, V::Error> {
    let rank = x.shape().len().max(repeats.len());
    let filled = |given: &[usize]| [vec![1; rank - given.len()], given.to_vec()].concat();
    repeat(&x.with_shape(&filled(x.shape()))?, &filled(repeats))
}

impl Tensor {
    /// Each element of `axis` `times` times, one behind the other: `torch.repeat_interleave` with one number.
    ///
    /// # Errors
    /// [`ShapeError::Axis`], [`ShapeError::TooManyElements`].
    pub fn repeat_interleave(&self, times: usize, axis: usize) -> Result<Self, Error> {
        repeat_interleave(self, times, axis)
    }

    /// Whole copies along each axis: `torch.tile`. As [`Tensor::repeat`], but leading numbers and axes may be missing.
    ///
    /// # Errors
    /// Those of [`Tensor::repeat`].
    pub fn tile(&self, repeats: &[usize]) -> Result<Self, Error> {
        tile(self, repeats)
    }
}
