//! The launchers: one function per WGSL file, with the file's stem.
//!
//! A launcher takes buffers and plain numbers, chooses the specialisation, fills the kernel's `Params` and records a
//! dispatch. Shapes are checked above, in the tensor crate; what a launcher cannot do is an error of the runtime.
//!
//! The files stand in layers, and each imports from below alone: `base`, then the families, of which convolutions use
//! others. In `matmul` and `convolution` the launchers run what they are told; above them `registry.rs` runs an
//! algorithm by its name, `table.rs` chooses one, `measure.rs` tries several, `choose.rs` asks both, and `run.rs` does
//! what was chosen. A `mod.rs` declares and re-exports.

pub mod attention;
mod base;
mod contest;
pub mod convolution;
pub mod cooperative;
pub mod detection;
pub mod elementwise;
mod layouts;
pub mod loss;
pub mod matmul;
pub mod movement;
pub mod normalization;
pub mod optimizer;
pub mod pooling;
pub mod probe;
pub mod quantized;
pub mod random;
pub mod reduction;
pub mod select;
pub mod sort;
pub mod texture;
pub mod tune;

pub use base::{
    epilogue::{Epilogue, Windows},
    magic::magic,
    params::{Member, ParamsLayout},
    strided,
};
pub use layouts::all_params;
