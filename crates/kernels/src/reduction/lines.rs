//! Lines of a tensor along one axis.

/// A dense tensor as lines: extents before the axis of the lines, along it and after it, in the order of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    /// Extents before the axis, multiplied up.
    pub before: usize,
    /// The axis.
    pub along: usize,
    /// Extents after the axis, multiplied up.
    pub after: usize,
}

impl Lines {
    /// Lines.
    pub fn lines(&self) -> usize {
        self.before * self.after
    }

    /// Threads that share a line in an elementwise kernel: enough for a GPU, and several elements for each.
    pub(crate) fn parts(&self) -> usize {
        self.along.div_ceil(16)
    }

    /// Whether neighbouring lines are neighbours in memory, as neighbouring threads should be then.
    pub(crate) fn lines_first(&self) -> bool {
        self.after > 1
    }
}
