//! Checks of operands.

use crate::error::ShapeError;

pub(super) fn four(
    op: &'static str,
    operand: &'static str,
    shape: &[usize],
) -> Result<[usize; 4], ShapeError> {
    shape.try_into().map_err(|_| ShapeError::Rank {
        op,
        operand,
        shape: shape.to_vec(),
        expected: "four (N C H W)",
    })
}

pub(super) fn expect(
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
