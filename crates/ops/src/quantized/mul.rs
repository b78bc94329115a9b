//! The product of two quantised tensors, and functions of one by a table.

use super::steps::{Steps, check_multiplier};
use crate::{dtype::DType, error::ShapeError};

/// Numbers of a byte, and so entries of a table.
pub const ENTRIES: usize = 256;

/// The shape of the product: that of both.
///
/// # Errors
/// [`ShapeError::Operand`] for another shape; [`ShapeError::Parameter`] for numbers that are outside their types.
pub fn mul_shape(a: &[usize], b: &[usize], multiplier: f32, y: &Steps) -> Result<Vec<usize>, ShapeError> {
    let op = "qmul";
    y.check(op)?;
    check_multiplier(op, multiplier)?;
    if a == b {
        return Ok(a.to_vec());
    }
    Err(ShapeError::Operand { op, operand: "b", shape: b.to_vec(), expected: a.to_vec() })
}

/// The shape of a tensor whose numbers are looked up in a table of [`ENTRIES`] numbers of `dtype`.
///
/// # Errors
/// [`ShapeError::Operand`] for a table of another shape; [`ShapeError::Parameter`] for a type that is none of bytes.
pub fn lookup_shape(x: &[usize], table: &[usize], dtype: DType) -> Result<Vec<usize>, ShapeError> {
    let op = "qlookup";
    Steps::new(dtype, 0).check(op)?;
    if table == [ENTRIES] {
        return Ok(x.to_vec());
    }
    Err(ShapeError::Operand { op, operand: "table", shape: table.to_vec(), expected: vec![ENTRIES] })
}
