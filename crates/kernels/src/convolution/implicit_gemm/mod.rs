//! Convolutions as matrix products whose left matrix, the windows, is never written.

pub(super) mod algorithm;
mod backward;
pub(super) mod forward;
pub(super) mod spec;
pub(super) mod work;
