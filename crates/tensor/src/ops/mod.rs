//! Eager execution, one file for each family; the operations are methods of [`crate::Tensor`].

mod elementwise;
mod loss;
mod movement;
pub mod optimizer;
mod random;
mod reduction;
mod softmax;
