//! Tensors over device buffers, and eager execution of every operation of the vocabulary.
//!
//! Shapes are PyTorch's logical shapes (activations N C H W, weights O I H W); a 4-D activation may lie channels-last
//! in memory, which only [`Tensor::layout`] shows. There are no views with arbitrary strides: what moves elements
//! copies them, and a change of layout is a kernel that a profile shows.

pub mod composite;
mod epilogue;
mod error;
pub mod function;
mod hints;
mod large;
mod launch;
mod layout;
pub mod ops;
mod quantized;
mod run;
mod symbol;
mod tensor;
mod trace;

pub use epilogue::Epilogue;
pub use error::{Error, Result};
pub use function::Function;
pub use hints::Hints;
pub use layout::Layout;
pub use ops::{
    attention::AttentionGradients,
    convolution::Conv2dCall,
    matmul::MatMulCall,
    normalization::{BatchNormCall, BatchNormTrain},
    quantized::{QConv2dCall, Quantized},
};
pub use tensor::{Element, Tensor};
pub use tilewright_kernels::{
    convolution::Conv2dAlgorithm, matmul::MatmulAlgorithm, quantized::QConv2dAlgorithm,
};
pub use tilewright_ops::{DType, Quantization};
pub use trace::{Trace, TraceOperand, TraceStep};
