//! How much import computes on the host.

/// The most elements of a tensor that is computed on the host.
pub const LIMIT: usize = 1 << 22;
