//! The one vocabulary of operations.
//!
//! Every operation of the engine is named here once, with its parameters, its shape rule and, where it matters, its
//! FLOP and byte count. Eager execution runs it, autograd differentiates it, the graph fuses it, and the scalar reference
//! defines what it means; none of them repeats a shape rule.
//!
//! Shapes are PyTorch's logical shapes: activations N C H W, convolution weights O I H W. How a tensor lies in memory is
//! not this crate's business. A shape rule never panics: what does not fit is a [`ShapeError`] that names the operation,
//! the shapes and what to do.
//!
//! ```
//! use tilewright_ops::Conv2d;
//!
//! let conv = Conv2d { stride: [2, 2], padding: [1, 1], ..Conv2d::default() };
//! assert_eq!(conv.output_shape([8, 16, 32, 32], [32, 16, 3, 3])?, [8, 32, 16, 16]);
//! # Ok::<(), tilewright_ops::ShapeError>(())
//! ```

pub mod attention;
mod binary;
pub mod border;
pub mod conv_transpose;
pub mod convolution;
pub mod cumsum;
pub mod detection;
pub mod dtype;
pub mod elementwise;
pub mod error;
pub mod extent;
pub mod indexing;
pub mod loss;
pub mod matmul;
pub mod moments;
pub mod movement;
pub mod normalization;
pub mod op;
pub mod optimizer;
pub mod pooling;
pub mod quantization;
pub mod quantized;
pub mod random;
pub mod reduction;
pub mod resample;
pub mod resize;
pub mod softmax;
pub mod sort;
pub mod support;
pub mod texture;

pub use attention::Attention;
pub use border::BorderMode;
pub use conv_transpose::ConvTranspose2d;
pub use convolution::Conv2d;
pub use cumsum::CumSum;
pub use detection::{Nms, RoiAlign, RoiPool};
pub use dtype::DType;
pub use elementwise::{BinaryOp, UnaryOp, broadcast_shapes};
pub use error::{DTypeError, ShapeError};
pub use extent::{element_count, normalize_axis};
pub use indexing::ScatterReduction;
pub use loss::{CrossEntropy, Reduction};
pub use matmul::{MatMul, MatMulDims};
pub use moments::Moments;
pub use movement::{
    SliceRange, concat_shape, pad_shape, permute_shape, reshape_shape, slice_shape, split_shapes,
};
pub use normalization::BatchNorm;
pub use op::{Custom, Facts, Gradient, Kind, Op, Quantized};
pub use optimizer::{Adam, AdamW, Lamb, RmsProp, Sgd};
pub use pooling::{AdaptiveAvgPool2d, Pool2d, PoolKind, Pooling};
pub use quantization::Quantization;
pub use quantized::{FakeQuantize, QConv2d, Steps};
pub use random::Dropout;
pub use reduction::{ReduceOp, argmax_shape};
pub use resample::{TapTable, gather_shape, resample_shape};
pub use resize::{Coordinates, Interpolation, Resize2d, Rounding};
pub use softmax::{LogSoftmax, Softmax};
pub use sort::TopK;
pub use texture::{ChannelOrder, TextureInput, TextureOutput, Transfer};
