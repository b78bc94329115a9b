//! The product of two quantised tensors, and functions of one by a table.

use super::steps::{Steps, check_multiplier, check_zero_point};
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

/// The table of a function of real numbers from bytes to bytes: x of `x_type` stands for (x − `x_zero`) · `x_scale`, and what is
/// not a number becomes the lowest one, as ONNX Runtime's QuantizeLinear has it.
///
/// # Errors
/// [`ShapeError::Parameter`] for zero points that are outside their types.
pub fn lookup_table(
    (x_type, x_scale, x_zero): (DType, f32, i32),
    (y, y_scale): (&Steps, f32),
    function: impl Fn(f32) -> f32,
) -> Result<Vec<i32>, ShapeError> {
    y.check("qlookup")?;
    check_zero_point("qlookup", "the zero point of x", x_zero, x_type)?;
    let least = if x_type == DType::I8 { -128 } else { 0 };
    let entry = |number: i32| {
        let steps = (function((least + number - x_zero) as f32 * x_scale) / y_scale).round_ties_even();
        if steps.is_nan() {
            return y.low;
        }
        (steps.clamp(-65536.0, 65536.0) as i32 + y.zero_point).clamp(y.low, y.high)
    };
    Ok((0..ENTRIES as i32).map(entry).collect())
}
