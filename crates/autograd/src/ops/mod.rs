//! The backward rule of each operation, one file for each family; the operations are methods of [`crate::Var`].

mod convolution;
mod elementwise;
mod loss;
mod matmul;
mod movement;
mod normalization;
mod pooling;
mod random;
mod reduction;

pub use normalization::BatchNormTrained;
