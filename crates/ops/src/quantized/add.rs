//! The sum of two quantised tensors.

use super::steps::{Steps, check_multiplier};
use crate::error::ShapeError;

/// One of two tensors that are added: (x − zero point) · multiplier, in steps of the result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Addend {
    /// The number that stands for 0.
    pub zero_point: i32,
    /// Its scale by the result's.
    pub multiplier: f32,
}

/// The shape of the sum: that of both.
///
/// # Errors
/// [`ShapeError::Operand`] for another shape; [`ShapeError::Parameter`] for numbers that are outside their types.
pub fn add_shape(
    a: &[usize],
    b: &[usize],
    addends: [Addend; 2],
    y: &Steps,
) -> Result<Vec<usize>, ShapeError> {
    let op = "qadd";
    y.check(op)?;
    for addend in addends {
        check_multiplier(op, addend.multiplier)?;
    }
    if a == b {
        return Ok(a.to_vec());
    }
    Err(ShapeError::Operand { op, operand: "b", shape: b.to_vec(), expected: a.to_vec() })
}
