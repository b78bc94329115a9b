//! The operations as methods of [`crate::Var`], one file for each family: each makes an [`Op`] and hands it to
//! [`crate::Var::run`].

mod convolution;
mod cumsum;
mod detection;
mod elementwise;
mod fake_quantize;
mod indexing;
mod loss;
mod matmul;
mod movement;
pub(crate) mod normalization;
mod pooling;
mod random;
mod reduction;
pub(crate) mod results;
mod sort;
