//! Extents, their product, and axes.

use crate::error::ShapeError;

/// The number of elements of a shape (1 for a scalar, whose shape is empty), or an error where the strides do not fit an
/// `isize`; an extent of zero does not excuse the others, as in PyTorch.
///
/// # Errors
/// [`ShapeError::TooManyElements`].
pub fn element_count(op: &'static str, shape: &[usize]) -> Result<usize, ShapeError> {
    let most = shape
        .iter()
        .try_fold(1_usize, |count, &extent| count.checked_mul(extent.max(1)))
        .filter(|&count| isize::try_from(count).is_ok())
        .ok_or_else(|| ShapeError::TooManyElements { op, shape: shape.to_vec() })?;
    Ok(if shape.contains(&0) { 0 } else { most })
}

/// Counts an axis from the back where it is negative, as Python does: -1 is the last axis.
///
/// # Errors
/// [`ShapeError::Axis`] where the axis is outside `-rank..rank`.
pub fn normalize_axis(op: &'static str, axis: isize, shape: &[usize]) -> Result<usize, ShapeError> {
    let rank = shape.len() as isize;
    let counted = if axis < 0 { axis.saturating_add(rank) } else { axis };
    if (0..rank).contains(&counted) {
        Ok(counted as usize)
    } else {
        Err(ShapeError::Axis { op, axis, shape: shape.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_elements() {
        assert_eq!(element_count("test", &[]), Ok(1));
        assert_eq!(element_count("test", &[2, 3, 4]), Ok(24));
        assert_eq!(element_count("test", &[1 << 40, 0, 3]), Ok(0));
        for shape in [&[usize::MAX][..], &[usize::MAX, 2], &[usize::MAX, 2, 0], &[0, 3, 1 << 40, 1 << 40]] {
            assert!(
                matches!(element_count("test", shape), Err(ShapeError::TooManyElements { .. })),
                "{shape:?}"
            );
        }
    }

    #[test]
    fn negative_axes_count_from_the_back() {
        assert_eq!(normalize_axis("test", -1, &[2, 3]), Ok(1));
        assert_eq!(normalize_axis("test", 0, &[2, 3]), Ok(0));
        assert!(matches!(normalize_axis("test", 2, &[2, 3]), Err(ShapeError::Axis { axis: 2, .. })));
        assert!(matches!(normalize_axis("test", -3, &[2, 3]), Err(ShapeError::Axis { axis: -3, .. })));
        assert!(normalize_axis("test", isize::MIN, &[2, 3]).is_err());
    }
}
