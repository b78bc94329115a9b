//! Eager execution, one file for each family; the operations are methods of [`crate::Tensor`].

mod elementwise;
mod movement;
mod normalization;
mod pooling;

pub use normalization::BatchNormTrain;
