//! Reductions over any axes.

use crate::{error::ShapeError, extent::element_count};

/// What the elements along the reduced axes become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReduceOp {
    /// The sum; of nothing, 0.
    Sum,
    /// The mean; of nothing, NaN as in PyTorch.
    Mean,
    /// The largest, NaN as soon as one is that; of nothing, an error. Equal elements share the gradient evenly, as torch.amax.
    Max,
    /// The smallest, NaN as soon as one is that; of nothing, an error. Equal elements share the gradient evenly, as torch.amin.
    Min,
    /// The product; of nothing, 1.
    Prod,
}

impl ReduceOp {
    /// One of each.
    pub const ALL: [Self; 5] = [Self::Sum, Self::Mean, Self::Max, Self::Min, Self::Prod];

    /// The stem used in file names and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Mean => "mean",
            Self::Max => "max",
            Self::Min => "min",
            Self::Prod => "prod",
        }
    }

    /// Whether it is defined on i32, where a sum or product that leaves the 32 bits wraps. A mean of integers is none.
    #[must_use]
    pub const fn takes_integers(self) -> bool {
        !matches!(self, Self::Mean)
    }

    /// The shape without `axes`, or with extent 1 in their place where `keepdim`. No axes means all axes, as in PyTorch.
    ///
    /// # Errors
    /// [`ShapeError::Axis`], [`ShapeError::RepeatedAxis`], and for max and min [`ShapeError::EmptyReduction`] where there
    /// is an output element without any input.
    pub fn output_shape(
        self,
        shape: &[usize],
        axes: &[usize],
        keepdim: bool,
    ) -> Result<Vec<usize>, ShapeError> {
        let refuse_empty = matches!(self, Self::Max | Self::Min);
        reduced_shape(self.name(), shape, axes, keepdim, refuse_empty)
    }
}

/// The shape of an argmax: as a maximum's. Over one axis the result is the index along it; over several it is the
/// row-major index among the reduced axes in ascending order, so that over all axes it is PyTorch's flat index. The first
/// of equal elements wins, and the first NaN over any number.
///
/// # Errors
/// Those of [`ReduceOp::output_shape`] for a maximum.
pub fn argmax_shape(shape: &[usize], axes: &[usize], keepdim: bool) -> Result<Vec<usize>, ShapeError> {
    reduced_shape("argmax", shape, axes, keepdim, true)
}

/// Which axes are reduced, as a flag for each axis of `shape`. No axes means all axes.
///
/// # Errors
/// [`ShapeError::Axis`], [`ShapeError::RepeatedAxis`].
pub fn reduced_axes(op: &'static str, shape: &[usize], axes: &[usize]) -> Result<Vec<bool>, ShapeError> {
    let mut reduced = vec![axes.is_empty(); shape.len()];
    for &axis in axes {
        match reduced.get_mut(axis) {
            None => {
                let axis = isize::try_from(axis).unwrap_or(isize::MAX);
                return Err(ShapeError::Axis { op, axis, shape: shape.to_vec() });
            }
            Some(true) => {
                return Err(ShapeError::RepeatedAxis {
                    op,
                    axis,
                    axes: axes.to_vec(),
                    shape: shape.to_vec(),
                });
            }
            Some(flag) => *flag = true,
        }
    }
    Ok(reduced)
}

fn reduced_shape(
    op: &'static str,
    shape: &[usize],
    axes: &[usize],
    keepdim: bool,
    refuse_empty: bool,
) -> Result<Vec<usize>, ShapeError> {
    let reduced = reduced_axes(op, shape, axes)?;
    let kept: Vec<usize> =
        shape.iter().zip(&reduced).filter(|(_, gone)| !**gone).map(|(&extent, _)| extent).collect();
    let nothing = shape.iter().zip(&reduced).any(|(&extent, &gone)| gone && extent == 0);
    if refuse_empty && nothing && element_count(op, &kept)? > 0 {
        return Err(ShapeError::EmptyReduction { op, shape: shape.to_vec(), axes: axes.to_vec() });
    }
    if !keepdim {
        return Ok(kept);
    }
    Ok(shape.iter().zip(&reduced).map(|(&extent, &gone)| if gone { 1 } else { extent }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_shapes() {
        let shape = [2, 3, 4];
        let cases: [(&[usize], &[usize], &[usize]); 5] = [
            (&[0], &[3, 4], &[1, 3, 4]),
            (&[1], &[2, 4], &[2, 1, 4]),
            (&[2, 0], &[3], &[1, 3, 1]),
            (&[], &[], &[1, 1, 1]),
            (&[0, 1, 2], &[], &[1, 1, 1]),
        ];
        for (axes, without, with) in cases {
            for op in ReduceOp::ALL {
                assert_eq!(op.output_shape(&shape, axes, false).as_deref(), Ok(without), "{op:?} {axes:?}");
                assert_eq!(op.output_shape(&shape, axes, true).as_deref(), Ok(with), "{op:?} {axes:?}");
            }
            assert_eq!(argmax_shape(&shape, axes, false).as_deref(), Ok(without));
        }
        assert_eq!(ReduceOp::Sum.output_shape(&[], &[], false), Ok(vec![]));
    }

    #[test]
    fn nothing_has_a_sum_but_no_maximum() {
        assert_eq!(ReduceOp::Sum.output_shape(&[0, 3], &[0], false), Ok(vec![3]));
        assert_eq!(ReduceOp::Mean.output_shape(&[0, 3], &[0], false), Ok(vec![3]));
        assert!(matches!(
            ReduceOp::Max.output_shape(&[0, 3], &[0], false),
            Err(ShapeError::EmptyReduction { .. })
        ));
        assert!(matches!(
            argmax_shape(&[0], &[], false),
            Err(ShapeError::EmptyReduction { op: "argmax", .. })
        ));
        // No output element, so nothing is missing.
        assert_eq!(ReduceOp::Max.output_shape(&[0, 3], &[1], false), Ok(vec![0]));
        assert_eq!(ReduceOp::Min.output_shape(&[0, 0], &[1], false), Ok(vec![0]));
    }

    #[test]
    fn wrong_axes_are_typed_errors() {
        assert!(matches!(
            ReduceOp::Sum.output_shape(&[2, 3], &[2], false),
            Err(ShapeError::Axis { axis: 2, .. })
        ));
        let twice = ReduceOp::Sum.output_shape(&[2, 3], &[1, 1], false);
        assert!(matches!(twice, Err(ShapeError::RepeatedAxis { axis: 1, .. })));
    }
}
