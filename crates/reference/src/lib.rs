//! What every operation means: scalar code on the CPU, written to be read and believed, not to be fast.
//!
//! Each module has the stem of a kernel family. Functions are pure: they take slices in logical row-major order
//! (activations N C H W, weights O I H W) with their shapes, sum in `f64` and round to `f32` once, at the end. The names of
//! backward functions say which gradient they return.
//!
//! [`compare`] holds the comparison that tests use, [`golden`] reads the files in `tests/goldens` that PyTorch wrote.
//!
//! # Not a number
//! Where it is cheap, NaN does here what it does in PyTorch: it passes through activations and wins a maximum. Kernels are
//! *not* held to that: WGSL lets an implementation assume that NaN and infinity do not occur.
//!
//! # Panics
//! Shapes are checked by the rules of [`tilewright_ops`], which a caller asks first. A function given shapes that break a
//! rule, or a slice whose length is not its shape's, panics with the rule's message.

pub mod attention;
pub mod compare;
pub mod convolution;
pub mod cumsum;
pub mod detection;
pub mod elementwise;
mod functions;
pub mod gather_scatter;
pub mod golden;
pub mod integers;
pub mod loss;
pub mod matmul;
pub mod movement;
pub mod normalization;
pub mod optimizer;
pub mod pooling;
pub mod quantized;
pub mod random;
pub mod reduction;
pub mod softmax;
pub mod sort;
pub mod split_f16;
pub mod texture;

mod indexing;
