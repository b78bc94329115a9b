//! The largest or smallest elements along one axis, in order.

use crate::{error::ShapeError, extent::element_count};

/// The k largest (or smallest) elements along `axis`, best first, and their i32 indices along it: PyTorch's `topk` with
/// `sorted`, ONNX's TopK. With k of the whole axis it is a stable sort, and its indices are an argsort.
///
/// Of equal elements the lower index comes first; -0 equals +0. A NaN counts as larger than everything, as in PyTorch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TopK {
    /// Elements wanted, from 0 to the extent of the axis.
    pub k: usize,
    /// The axis.
    pub axis: usize,
    /// Whether the largest are wanted, and come first; else the smallest.
    pub largest: bool,
}

const OP: &str = "topk";

impl TopK {
    /// The shape of the values and of the indices: x's, with k along the axis.
    ///
    /// # Errors
    /// [`ShapeError::Axis`], and [`ShapeError::TooFewElements`] where k is more than the axis has.
    pub fn output_shape(&self, x: &[usize]) -> Result<Vec<usize>, ShapeError> {
        let [_, along, _] = self.check(x)?;
        if self.k > along {
            return Err(ShapeError::TooFewElements { op: OP, k: self.k, axis: self.axis, shape: x.to_vec() });
        }
        let mut shape = x.to_vec();
        shape[self.axis] = self.k;
        Ok(shape)
    }

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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_has_k_elements() {
        let shape = [2, 3, 4];
        let topk = |k, axis| TopK { k, axis, largest: true };
        assert_eq!(topk(2, 1).output_shape(&shape), Ok(vec![2, 2, 4]));
        assert_eq!(topk(4, 2).output_shape(&shape), Ok(vec![2, 3, 4]));
        assert_eq!(topk(0, 0).output_shape(&shape), Ok(vec![0, 3, 4]));
        assert_eq!(topk(0, 1).output_shape(&[2, 0]), Ok(vec![2, 0]));
        assert_eq!(topk(3, 1).output_shape(&[0, 3]), Ok(vec![0, 3]));
        assert_eq!(topk(1, 1).check(&shape), Ok([2, 3, 4]));
    }

    #[test]
    fn wrong_parameters_are_typed_errors() {
        let topk = |k, axis| TopK { k, axis, largest: false };
        assert!(matches!(
            topk(1, 2).output_shape(&[2, 3]),
            Err(ShapeError::Axis { op: "topk", axis: 2, .. })
        ));
        assert!(matches!(topk(1, 0).output_shape(&[]), Err(ShapeError::Axis { axis: 0, .. })));
        assert!(matches!(topk(1, usize::MAX).output_shape(&[2]), Err(ShapeError::Axis { .. })));
        let error = topk(4, 1).output_shape(&[2, 3]);
        assert!(matches!(error, Err(ShapeError::TooFewElements { k: 4, axis: 1, .. })), "{error:?}");
        let text = error.map_or_else(|error| error.to_string(), |_| String::new());
        assert!(
            text.contains("topk: k = 4") && text.contains("[2, 3]") && text.contains("at most 3"),
            "{text}"
        );
        assert!(matches!(topk(0, 0).output_shape(&[usize::MAX, 2]), Err(ShapeError::TooManyElements { .. })));
    }
}
