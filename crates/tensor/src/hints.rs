//! A say in how an operation is run.

use tilewright_kernels::{
    convolution::Conv2dAlgorithm, matmul::MatmulAlgorithm, quantized::QConv2dAlgorithm,
};

/// How an operation is to be run where there is a choice. Of finite operands none of it changes what is computed, but for
/// rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// The algorithm of a convolution or of a gradient of one; without it the table of `kernels::select` chooses.
    pub conv2d: Option<Conv2dAlgorithm>,
    /// The algorithm of a matrix product; without it the table of `kernels::select` chooses.
    pub matmul: Option<MatmulAlgorithm>,
    /// The algorithm of a convolution of bytes; all have the same bits.
    pub qconv2d: Option<QConv2dAlgorithm>,
    /// Products by algorithms alone that take operands as they are, as on a context of
    /// [`tilewright_runtime::Context::exact`]. An algorithm that is named and is no such one is an error then.
    pub exact: bool,
    /// The result of a convolution may lie where its residual lies, which is lost: for a caller that knows that nobody
    /// reads it again. A residual that is no channels-last tensor of its own memory is left alone.
    pub over_residual: bool,
    /// The first result may lie where this operand lies, which is lost: for a caller that knows that nobody reads it again.
    /// Taken up by sums of two tensors that lie alike and by the gradients of unary functions and of batch normalisation, of
    /// an operand that is memory of its own ([`tilewright_runtime::Buffer::is_own`]).
    pub over: Option<usize>,
}
