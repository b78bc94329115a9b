//! Axes the other way round.

use tilewright_ops::{DType, ShapeError, TapTable};

use super::operand::{Operand, fails};
use super::resample_axes::resample_axes;
use crate::error::Error;
use crate::tensor::Tensor;

/// x with the elements of each of `axes` in reverse order.
pub fn flip<V: Operand>(x: &V, axes: &[usize]) -> Result<V, V::Error> {
    let op = "flip";
    let mut turned = vec![false; x.shape().len()];
    for &axis in axes {
        let wrong = isize::try_from(axis).unwrap_or(isize::MAX);
        match turned.get_mut(axis) {
            None => return Err(fails::<V>(ShapeError::Axis { op, axis: wrong, shape: x.shape().to_vec() })),
            Some(true) => {
                return Err(fails::<V>(ShapeError::RepeatedAxis {
                    op,
                    axis,
                    axes: axes.to_vec(),
                    shape: x.shape().to_vec(),
                }));
            }
            Some(turned) => *turned = true,
        }
    }
    if axes.is_empty() || x.shape().contains(&0) {
        return Ok(x.clone());
    }
    if x.tensor().dtype() == DType::F32 {
        let backwards = |extent: usize| TapTable::gather(&(0..extent).rev().collect::<Vec<_>>());
        let tables = turned.iter().zip(x.shape()).map(|(&turned, &extent)| turned.then(|| backwards(extent)));
        return resample_axes(x, &tables.collect::<Vec<_>>());
    }
    let mut y = x.clone();
    for &axis in axes {
        let backwards: Vec<i32> = (0..y.shape()[axis] as i32).rev().collect();
        let extent = backwards.len();
        y = y.gathered(axis, &Tensor::from_slice(x.tensor().context(), &backwards, &[extent])?)?;
    }
    Ok(y)
}

impl Tensor {
    /// The elements of each of `axes` in reverse order: `torch.flip`.
    ///
    /// # Errors
    /// [`ShapeError::Axis`], [`ShapeError::RepeatedAxis`]; [`Error::DType`] of f16.
    pub fn flip(&self, axes: &[usize]) -> Result<Self, Error> {
        flip(self, axes)
    }
}
