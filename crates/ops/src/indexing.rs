//! Elements by index: gathering, and its counterpart, scattering.
//!
//! Indices are i32. A negative one counts from the back of its axis. One that is outside is no error where it is known on the
//! device alone: gathering gives 0 for it, and scattering leaves it out.

use crate::{error::ShapeError, extent::element_count};

/// What a scattered element does to the one that it meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ScatterReduction {
    /// It takes its place; of several that meet one, the last stays. Their gradients are all that of the place, as in PyTorch.
    #[default]
    Replace,
    /// The sum, added in the order of the indices.
    Add,
    /// The product, in the order of the indices. It has no gradient here.
    Mul,
    /// The larger; a NaN wins. All that are equal to it share its gradient.
    Max,
    /// The smaller; a NaN wins. Its gradient is shared likewise.
    Min,
}

impl ScatterReduction {
    /// One of each.
    pub const ALL: [Self; 5] = [Self::Replace, Self::Add, Self::Mul, Self::Max, Self::Min];

    /// ONNX's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Replace => "none",
            Self::Add => "add",
            Self::Mul => "mul",
            Self::Max => "max",
            Self::Min => "min",
        }
    }
}

fn axis_of(op: &'static str, shape: &[usize], axis: usize) -> Result<usize, ShapeError> {
    let found = shape.get(axis).copied();
    found.ok_or_else(|| {
        let axis = isize::try_from(axis).unwrap_or(isize::MAX);
        ShapeError::Axis { op, axis, shape: shape.to_vec() }
    })
}

/// Nothing may be asked of an axis that has nothing.
fn filled(op: &'static str, shape: &[usize], axes: &[usize], wanted: &[usize]) -> Result<(), ShapeError> {
    if element_count(op, wanted)? > 0 && axes.iter().any(|&axis| shape[axis] == 0) {
        return Err(ShapeError::EmptyReduction { op, shape: shape.to_vec(), axes: axes.to_vec() });
    }
    Ok(())
}

fn same(
    op: &'static str,
    operand: &'static str,
    shape: &[usize],
    expected: &[usize],
) -> Result<(), ShapeError> {
    if shape == expected {
        return Ok(());
    }
    Err(ShapeError::Operand { op, operand, shape: shape.to_vec(), expected: expected.to_vec() })
}

/// The indices of a line each, which has as many axes as `x` and off `axis` no more than its extents.
fn lines(op: &'static str, x: &[usize], axis: usize, indices: &[usize]) -> Result<(), ShapeError> {
    axis_of(op, x, axis)?;
    let fits = indices.len() == x.len()
        && indices.iter().zip(x).enumerate().all(|(at, (own, extent))| at == axis || own <= extent);
    if !fits {
        let mut expected = x.to_vec();
        expected[axis] = indices.get(axis).copied().unwrap_or(expected[axis]);
        return same(op, "indices", indices, &expected);
    }
    element_count(op, indices).map(drop)
}

/// The shape of [`crate::Op::GatherElements`]: that of the indices.
///
/// # Errors
/// [`ShapeError::Axis`]; [`ShapeError::Operand`] for indices of another number of axes, or of more extent off the axis;
/// [`ShapeError::EmptyReduction`] for an index into an axis of nothing.
pub fn gather_elements_shape(x: &[usize], axis: usize, indices: &[usize]) -> Result<Vec<usize>, ShapeError> {
    let op = "gather_elements";
    lines(op, x, axis, indices)?;
    filled(op, x, &[axis], indices)?;
    Ok(indices.to_vec())
}

/// The shape of [`crate::Op::ScatterElements`]: x's.
///
/// # Errors
/// Those of [`gather_elements_shape`], but an axis of nothing takes indices; [`ShapeError::Operand`] for updates of another
/// shape than the indices.
pub fn scatter_elements_shape(
    x: &[usize],
    axis: usize,
    indices: &[usize],
    updates: &[usize],
) -> Result<Vec<usize>, ShapeError> {
    let op = "scatter_elements";
    lines(op, x, axis, indices)?;
    same(op, "updates", updates, indices)?;
    Ok(x.to_vec())
}

/// The shape of [`crate::Op::Scatter`]: x's.
///
/// # Errors
/// [`ShapeError::Axis`]; [`ShapeError::Operand`] for updates that are not x's shape with that of the indices in the axis's place.
pub fn scatter_shape(
    x: &[usize],
    axis: usize,
    indices: &[usize],
    updates: &[usize],
) -> Result<Vec<usize>, ShapeError> {
    let op = "scatter";
    axis_of(op, x, axis)?;
    let expected = [&x[..axis], indices, &x[axis + 1..]].concat();
    element_count(op, &expected)?;
    same(op, "updates", updates, &expected)?;
    Ok(x.to_vec())
}

/// Splits indices whose last axis holds tuples, behind `batch` axes that x has too: the axes before the tuple's, and how many
/// axes of x a tuple names.
fn tuples<'a>(
    op: &'static str,
    x: &[usize],
    batch: usize,
    indices: &'a [usize],
) -> Result<(&'a [usize], usize), ShapeError> {
    let wrong =
        |expected| Err(ShapeError::Rank { op, operand: "indices", shape: indices.to_vec(), expected });
    let Some((&named, before)) = indices.split_last() else {
        return wrong("one or more, of which the last holds the tuples");
    };
    if batch > before.len() || batch >= x.len() || x[..batch] != indices[..batch] {
        return wrong("more than the batch axes, which must be x's");
    }
    if named == 0 || named > x.len() - batch {
        return wrong(
            "such that a tuple names one axis of x at least, and not more than it has behind the batch axes",
        );
    }
    element_count(op, indices)?;
    Ok((before, named))
}

/// The shape of [`crate::Op::GatherNd`]: the indices' without the last axis, then x's axes behind those that are named.
///
/// # Errors
/// [`ShapeError::Rank`] for batch axes that differ from x's, and for tuples that name no axis or more than there are;
/// [`ShapeError::EmptyReduction`] for an index into an axis of nothing.
pub fn gather_nd_shape(x: &[usize], batch: usize, indices: &[usize]) -> Result<Vec<usize>, ShapeError> {
    let op = "gather_nd";
    let (before, named) = tuples(op, x, batch, indices)?;
    let shape = [before, &x[batch + named..]].concat();
    element_count(op, &shape)?;
    filled(op, x, &(batch..batch + named).collect::<Vec<_>>(), &shape)?;
    Ok(shape)
}

/// The shape of [`crate::Op::ScatterNd`]: x's.
///
/// # Errors
/// Those of [`gather_nd_shape`], but axes of nothing take indices; [`ShapeError::Operand`] for updates of another shape than
/// what would be gathered.
pub fn scatter_nd_shape(
    x: &[usize],
    batch: usize,
    indices: &[usize],
    updates: &[usize],
) -> Result<Vec<usize>, ShapeError> {
    let op = "scatter_nd";
    let (before, named) = tuples(op, x, batch, indices)?;
    let expected = [before, &x[batch + named..]].concat();
    element_count(op, &expected)?;
    same(op, "updates", updates, &expected)?;
    Ok(x.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_elements() {
        assert_eq!(gather_elements_shape(&[3, 4], 1, &[2, 7]), Ok(vec![2, 7]));
        assert_eq!(gather_elements_shape(&[3, 0], 1, &[3, 0]), Ok(vec![3, 0]));
        assert!(matches!(gather_elements_shape(&[3, 4], 2, &[3, 4]), Err(ShapeError::Axis { .. })));
        assert!(matches!(gather_elements_shape(&[3, 4], 1, &[4, 2]), Err(ShapeError::Operand { .. })));
        assert!(matches!(gather_elements_shape(&[3, 4], 1, &[2]), Err(ShapeError::Operand { .. })));
        assert!(matches!(gather_elements_shape(&[3, 0], 1, &[3, 1]), Err(ShapeError::EmptyReduction { .. })));
        assert_eq!(scatter_elements_shape(&[3, 4], 0, &[9, 2], &[9, 2]), Ok(vec![3, 4]));
        assert!(scatter_elements_shape(&[3, 4], 0, &[9, 2], &[2, 9]).is_err());
    }

    #[test]
    fn shapes_of_slices() {
        assert_eq!(scatter_shape(&[2, 5, 3], 1, &[4, 6], &[2, 4, 6, 3]), Ok(vec![2, 5, 3]));
        assert!(scatter_shape(&[2, 5, 3], 1, &[4], &[2, 5, 3]).is_err());
        assert_eq!(gather_nd_shape(&[2, 5, 3], 0, &[7, 2]), Ok(vec![7, 3]));
        assert_eq!(gather_nd_shape(&[2, 5, 3], 0, &[3]), Ok(vec![]));
        assert_eq!(gather_nd_shape(&[2, 5, 3], 1, &[2, 4, 1]), Ok(vec![2, 4, 3]));
        for (batch, indices) in [(0, &[][..]), (0, &[4]), (0, &[2, 0]), (1, &[3, 4, 1]), (3, &[2, 5, 3, 1])] {
            let found = gather_nd_shape(&[2, 5, 3], batch, indices);
            assert!(matches!(found, Err(ShapeError::Rank { .. })), "{batch} {indices:?}: {found:?}");
        }
        assert!(matches!(gather_nd_shape(&[0, 3], 0, &[2, 1]), Err(ShapeError::EmptyReduction { .. })));
        assert_eq!(scatter_nd_shape(&[2, 5, 3], 0, &[7, 2], &[7, 3]), Ok(vec![2, 5, 3]));
        assert!(scatter_nd_shape(&[2, 5, 3], 0, &[7, 2], &[7]).is_err());
    }
}
