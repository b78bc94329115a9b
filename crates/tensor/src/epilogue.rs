//! What a product or a convolution may do to its sums before it stores them.

use tilewright_ops::UnaryOp;

use crate::Tensor;

/// y = activation(sum + bias + residual), each where there is one. It runs in the kernel that sums.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue<'a> {
    /// One entry for each output channel, or for each column of a product; f32.
    pub bias: Option<&'a Tensor>,
    /// Of the result's shape and element type.
    pub residual: Option<&'a Tensor>,
    /// Applied last.
    pub activation: Option<UnaryOp>,
}
