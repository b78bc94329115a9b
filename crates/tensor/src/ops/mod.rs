//! Eager execution, one file for each family; the operations are methods of [`crate::Tensor`].

mod conv_transpose;
mod convolution;
mod elementwise;
mod loss;
mod matmul;
mod movement;
pub mod normalization;
pub mod optimizer;
mod pooling;
mod random;
mod reduction;
mod resample;
mod softmax;
mod texture;
mod where_;
