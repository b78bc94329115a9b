//! Softmax and its logarithm along one axis.

use crate::error::ShapeError;

/// yᵢ = e^xᵢ / Σⱼ e^xⱼ along `axis`. The shape does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Softmax {
    /// The axis summed over.
    pub axis: usize,
}

impl Softmax {
    /// Splits the shape around the axis: extents before it, along it and after it, each multiplied up.
    ///
    /// # Errors
    /// [`ShapeError::Axis`].
    pub fn check(&self, shape: &[usize]) -> Result<[usize; 3], ShapeError> {
        split("softmax", shape, self.axis)
    }
}

/// yᵢ = xᵢ − log Σⱼ e^xⱼ along `axis`. The shape does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogSoftmax {
    /// The axis summed over.
    pub axis: usize,
}

impl LogSoftmax {
    /// Splits the shape around the axis: extents before it, along it and after it, each multiplied up.
    ///
    /// # Errors
    /// [`ShapeError::Axis`].
    pub fn check(&self, shape: &[usize]) -> Result<[usize; 3], ShapeError> {
        split("log_softmax", shape, self.axis)
    }
}

fn split(op: &'static str, shape: &[usize], axis: usize) -> Result<[usize; 3], ShapeError> {
    let Some(&along) = shape.get(axis) else {
        let axis = isize::try_from(axis).unwrap_or(isize::MAX);
        return Err(ShapeError::Axis { op, axis, shape: shape.to_vec() });
    };
    crate::extent::element_count(op, shape)?;
    Ok([
        crate::extent::element_count(op, &shape[..axis])?,
        along,
        crate::extent::element_count(op, &shape[axis + 1..])?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_around_the_axis() {
        let shape = [2, 3, 4, 5];
        assert_eq!(Softmax { axis: 0 }.check(&shape), Ok([1, 2, 60]));
        assert_eq!(Softmax { axis: 1 }.check(&shape), Ok([2, 3, 20]));
        assert_eq!(LogSoftmax { axis: 3 }.check(&shape), Ok([24, 5, 1]));
        assert_eq!(LogSoftmax { axis: 1 }.check(&[0, 3]), Ok([0, 3, 1]));
        assert_eq!(LogSoftmax { axis: 1 }.check(&[2, 0]), Ok([2, 0, 1]));
        assert!(matches!(
            Softmax { axis: 4 }.check(&shape),
            Err(ShapeError::Axis { op: "softmax", axis: 4, .. })
        ));
        assert!(matches!(LogSoftmax { axis: 0 }.check(&[]), Err(ShapeError::Axis { op: "log_softmax", .. })));
    }
}
