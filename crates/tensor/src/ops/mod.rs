//! The operations as methods of [`crate::Tensor`], one file for each family: each makes an [`tilewright_ops::Op`] and hands
//! it to [`crate::Tensor::run`].

pub mod attention;
mod conv_transpose;
pub mod convolution;
mod cumsum;
mod detection;
mod elementwise;
mod fake_quantize;
mod indexing;
mod loss;
pub mod matmul;
mod movement;
pub mod normalization;
pub mod optimizer;
mod pooling;
pub mod quantized;
mod random;
mod reduction;
mod resample;
pub(crate) mod results;
mod signed;
mod softmax;
mod sort;
mod texture;
mod where_;
