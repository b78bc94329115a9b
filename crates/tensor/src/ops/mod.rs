//! The operations as methods of [`crate::Tensor`], one file for each family: each makes an [`tilewright_ops::Op`] and hands
//! it to [`crate::Tensor::run`].

mod conv_transpose;
pub mod convolution;
mod elementwise;
mod loss;
pub mod matmul;
mod movement;
pub mod normalization;
pub mod optimizer;
mod pooling;
mod random;
mod reduction;
mod resample;
mod softmax;
mod sort;
mod texture;
mod where_;

use tilewright_ops::{Op, ShapeError};

use crate::{error::Result, tensor::Tensor};

/// The results of an operation that has as many.
fn results<const N: usize>(op: &Op, results: Vec<Tensor>) -> Result<[Tensor; N]> {
    let found = results.len();
    results.try_into().map_err(|_| ShapeError::OperandCount { op: op.name(), found }.into())
}

/// A shape as [`crate::Tensor::reshape`] takes it.
fn signed(shape: &[usize]) -> Vec<isize> {
    shape.iter().map(|&extent| extent as isize).collect()
}
