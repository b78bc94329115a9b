//! Eager execution, one file for each family; the operations are methods of [`crate::Tensor`].

mod convolution;
mod elementwise;
mod matmul;
mod movement;
pub mod normalization;
mod pooling;
mod loss;
mod movement;
pub mod optimizer;
mod random;
mod reduction;
mod softmax;
