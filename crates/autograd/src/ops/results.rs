//! Several results by their number.

use tilewright_ops::{Op, ShapeError};

use crate::{error::Result, var::Var};

/// The results of an operation that has as many.
pub(crate) fn results<const N: usize>(op: &Op, results: Vec<Var>) -> Result<[Var; N]> {
    let found = results.len();
    results.try_into().map_err(|_| ShapeError::OperandCount { op: op.name(), found }.into())
}
