//! Shapes of what goes between real numbers and whole ones.

use crate::error::ShapeError;

/// The shape of what is quantised or dequantised: x's, where scale and zero point have one number, or one for each index of
/// `axis`.
///
/// # Errors
/// [`ShapeError::Axis`], [`ShapeError::Operand`].
pub fn scaled_shape(
    op: &'static str,
    x: &[usize],
    scale: &[usize],
    zero_point: &[usize],
    axis: Option<usize>,
) -> Result<Vec<usize>, ShapeError> {
    let expected = numbers_shape(op, x, axis)?;
    for (operand, shape) in [("scale", scale), ("zero_point", zero_point)] {
        if shape != expected {
            let (shape, expected) = (shape.to_vec(), expected);
            return Err(ShapeError::Operand { op, operand, shape, expected });
        }
    }
    Ok(x.to_vec())
}

/// The shape of scales and zero points: one number, or one for each index of `axis` of an x.
///
/// # Errors
/// [`ShapeError::Axis`].
pub fn numbers_shape(op: &'static str, x: &[usize], axis: Option<usize>) -> Result<Vec<usize>, ShapeError> {
    let Some(axis) = axis else { return Ok(vec![]) };
    match x.get(axis) {
        Some(&extent) => Ok(vec![extent]),
        None => {
            let axis = isize::try_from(axis).unwrap_or(isize::MAX);
            Err(ShapeError::Axis { op, axis, shape: x.to_vec() })
        }
    }
}
