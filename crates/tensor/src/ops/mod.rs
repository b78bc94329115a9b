//! Eager execution, one file for each family; the operations are methods of [`crate::Tensor`].

mod elementwise;
mod movement;
pub mod normalization;
mod pooling;
