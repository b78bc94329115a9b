//! Axes moved in a circle.

use tilewright_ops::{ShapeError, SliceRange};

use super::operand::{Operand, fails, parameter};
use crate::error::Error;
use crate::tensor::Tensor;

/// x with the elements of each of `axes` moved by its shift; what leaves at one end comes in at the other.
pub fn roll<V: Operand>(x: &V, shifts: &[isize], axes: &[usize]) -> Result<V, V::Error> {
    let op = "roll";
    if shifts.len() != axes.len() {
        let hint = "there must be one for each axis";
        return Err(parameter::<V>(op, "shifts", format!("{shifts:?}"), hint));
    }
    let mut y = x.clone();
    for (&shift, &axis) in shifts.iter().zip(axes) {
        let Some(&extent) = y.shape().get(axis) else {
            let axis = isize::try_from(axis).unwrap_or(isize::MAX);
            return Err(fails::<V>(ShapeError::Axis { op, axis, shape: x.shape().to_vec() }));
        };
        if extent == 0 {
            continue;
        }
        let behind = shift.rem_euclid(extent as isize) as usize;
        if behind == 0 {
            continue;
        }
        let part = |start: usize, end: usize| {
            let mut ranges: Vec<_> = y.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
            ranges[axis] = SliceRange::new(start, end);
            y.slice(&ranges)
        };
        let (first, second) = (part(extent - behind, extent)?, part(0, extent - behind)?);
        y = V::joined(&[&first, &second], axis)?;
    }
    Ok(y)
}

impl Tensor {
    /// The elements of each of `axes` moved by its shift, in a circle: `torch.roll`.
    ///
    /// # Errors
    /// [`ShapeError::Axis`], [`ShapeError::Parameter`] without a shift for each axis.
    pub fn roll(&self, shifts: &[isize], axes: &[usize]) -> Result<Self, Error> {
        roll(self, shifts, axes)
    }
}
