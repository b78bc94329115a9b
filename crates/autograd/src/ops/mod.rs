//! The operations as methods of [`crate::Var`], one file for each family: each makes an [`Op`] and hands it to
//! [`crate::Var::run`].

mod convolution;
mod elementwise;
mod loss;
mod matmul;
mod movement;
pub(crate) mod normalization;
mod pooling;
mod random;
mod reduction;
mod sort;

use tilewright_ops::{Op, ShapeError};

use crate::{error::Result, var::Var};

/// The results of an operation that has as many.
fn results<const N: usize>(op: &Op, results: Vec<Var>) -> Result<[Var; N]> {
    let found = results.len();
    results.try_into().map_err(|_| ShapeError::OperandCount { op: op.name(), found }.into())
}
