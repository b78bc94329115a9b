//! Running sums along one axis.

use crate::{error::ShapeError, extent::element_count};

/// `y[i] = Σ x[j]` over j ≤ i along `axis` (j < i if exclusive), or from the end: `torch.cumsum` with ONNX's `exclusive` and
/// `reverse`. The shape does not change. An infinity or a NaN reaches the elements behind it in its own line, and no other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CumSum {
    /// The axis.
    pub axis: usize,
    /// Whether an element is left out of its own sum.
    pub exclusive: bool,
    /// Whether the sums run from the end.
    pub reverse: bool,
}

const OP: &str = "cumsum";

impl CumSum {
    /// Splits the shape around the axis: extents before it, along it and after it, each multiplied up.
    ///
    /// # Errors
    /// [`ShapeError::Axis`].
    pub fn check(&self, x: &[usize]) -> Result<[usize; 3], ShapeError> {
        let Some(&along) = x.get(self.axis) else {
            let axis = isize::try_from(self.axis).unwrap_or(isize::MAX);
            return Err(ShapeError::Axis { op: OP, axis, shape: x.to_vec() });
        };
        element_count(OP, x)?;
        Ok([element_count(OP, &x[..self.axis])?, along, element_count(OP, &x[self.axis + 1..])?])
    }

    /// What takes the gradient of the sums to that of the elements: the same sums from the other end.
    #[must_use]
    pub const fn turned(self) -> Self {
        Self { reverse: !self.reverse, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_is_split_around_the_axis() {
        let along = |axis| CumSum { axis, ..CumSum::default() };
        assert_eq!(along(1).check(&[2, 3, 4]), Ok([2, 3, 4]));
        assert_eq!(along(0).check(&[0, 3]), Ok([1, 0, 3]));
        assert!(matches!(along(0).check(&[]), Err(ShapeError::Axis { op: "cumsum", axis: 0, .. })));
        assert!(matches!(along(2).check(&[2, 3]), Err(ShapeError::Axis { axis: 2, .. })));
        assert_eq!(along(1).turned(), CumSum { axis: 1, exclusive: false, reverse: true });
    }
}
