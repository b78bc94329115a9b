//! The numbers of nodes, and the names of leaves.

use std::sync::atomic::{AtomicU64, Ordering};

/// Names a leaf over several forward passes, so that a parameter's gradient can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeafId(pub(crate) u64);

/// A number above all that were given before.
pub(crate) fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl LeafId {
    /// A name that no other leaf has.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(next_id())
    }
}
