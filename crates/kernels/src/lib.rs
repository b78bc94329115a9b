//! The launchers: one function per WGSL file, with the file's stem.
//!
//! A launcher takes buffers and plain numbers, chooses the specialisation, fills the kernel's `Params` and records a
//! dispatch. Shapes are checked above, in the tensor crate; what a launcher cannot do is an error of the runtime.

pub mod convolution;
pub mod cooperative;
pub mod elementwise;
mod epilogue;
pub mod loss;
mod magic;
pub mod matmul;
pub mod movement;
pub mod normalization;
pub mod optimizer;
mod params;
pub mod pooling;
pub mod probe;
pub mod random;
pub mod reduction;
pub mod select;
mod share;
pub mod sort;
pub mod strided;
pub mod texture;
pub mod tune;

pub use epilogue::{Epilogue, Windows};
pub use magic::magic;
pub use params::{ParamsLayout, all_params};

use tilewright_runtime::Result;

/// Threads in a workgroup of the kernels that handle one vec4 or one element per thread.
pub(crate) const WORKGROUP: u32 = 64;

/// `count` elements as whole vec4s, which a kernel counts in u32.
pub(crate) fn vectors(op: &str, count: usize) -> Result<u32> {
    to_u32(op, count.div_ceil(4))
}

/// Element numbers are u32 in every kernel.
pub(crate) fn to_u32(op: &str, number: usize) -> Result<u32> {
    u32::try_from(number).map_err(|_| tilewright_runtime::Error::Limit {
        op: op.to_owned(),
        what: "an index",
        needed: number as u64,
        limit: u64::from(u32::MAX),
        detail: "element numbers are 32 bits".to_owned(),
    })
}

/// Workgroups for `threads` threads.
pub(crate) fn groups(threads: u32) -> u64 {
    u64::from(threads.div_ceil(WORKGROUP))
}
