//! Poolings on a CPU, whose threads walk along rows: windows that are small, and gradients of windows that are tiles.

pub(super) mod average;
pub(super) mod backward;
mod common;
pub(super) mod forward;
pub(super) mod max;
pub(super) mod tiles;
