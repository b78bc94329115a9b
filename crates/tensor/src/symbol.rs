//! What a symbolic tensor stands for: a number in a trace.

use std::{any::Any, sync::Arc};

/// A number in a trace. The trace's type is not named here, because a trace holds tensors and a tensor holds this.
#[derive(Clone)]
pub(crate) struct Symbol {
    trace: Arc<dyn Any + Send + Sync>,
    /// The number.
    pub value: usize,
}

impl Symbol {
    /// Number `value` of `trace`.
    pub fn new<T: Any + Send + Sync>(trace: Arc<T>, value: usize) -> Self {
        Self { trace, value }
    }

    /// The trace, as its own type.
    pub fn trace<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.trace.clone().downcast().ok()
    }

    /// Whether it is a number of `trace`.
    pub fn is_of<T>(&self, trace: &Arc<T>) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.trace), Arc::as_ptr(trace))
    }
}
