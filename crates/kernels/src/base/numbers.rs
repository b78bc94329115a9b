//! Numbers as the kernels take them.

use tilewright_runtime::{Error, Result};

/// Threads in a workgroup of the kernels that handle one vec4 or one element per thread.
pub(crate) const WORKGROUP: u32 = 64;

/// `count` elements as whole vec4s, which a kernel counts in u32.
pub(crate) fn vectors(op: &str, count: usize) -> Result<u32> {
    to_u32(op, count.div_ceil(4))
}

/// Element numbers are u32 in every kernel.
pub(crate) fn to_u32(op: &str, number: usize) -> Result<u32> {
    u32::try_from(number).map_err(|_| Error::Limit {
        op: op.to_owned(),
        what: "an index",
        needed: number as u64,
        limit: u64::from(u32::MAX),
        detail: "kernels index elements with u32".to_owned(),
    })
}

/// Workgroups of [`WORKGROUP`] threads for `threads` threads.
pub(crate) fn workgroups(threads: u32) -> u64 {
    u64::from(threads.div_ceil(WORKGROUP))
}
