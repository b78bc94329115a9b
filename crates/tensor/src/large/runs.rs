//! How a part of a tensor lies in memory.

use std::ops::Range;

use tilewright_ops::{DType, op::cut::Part};

use crate::{layout::Layout, tensor::Tensor};

/// Copies that a part or a piece may take; beyond, kernels gather it from slices.
pub(super) const MOST_RUNS: usize = 4096;

/// How a range of an axis lies in memory: as `runs` ranges of bytes, `pitch` apart, of which a position takes `inner`.
pub(super) struct Runs {
    pub runs: usize,
    pub pitch: u64,
    pub inner: u64,
}

impl Runs {
    pub fn new(shape: &[usize], layout: Layout, dtype: DType, axis: usize) -> Self {
        let order = layout.memory_order(shape.len());
        let mut passed = false;
        let (mut runs, mut inner) = (1, dtype.size() as u64);
        for at in order {
            match (at == axis, passed) {
                (true, _) => passed = true,
                (false, false) => runs *= shape[at],
                (false, true) => inner *= shape[at] as u64,
            }
        }
        Self { runs, pitch: inner * shape[axis] as u64, inner }
    }

    /// Whether `range` of `extent` positions consists of whole words, up to the last of the tensor.
    pub fn is_aligned(&self, range: &Range<usize>, extent: usize) -> bool {
        let word = |bytes: u64| bytes.is_multiple_of(4);
        let last = self.runs == 1 && range.end == extent;
        word(range.start as u64 * self.inner)
            && (self.runs == 1 || word(self.pitch))
            && (last || word(range.len() as u64 * self.inner))
    }
}

/// Whether the device's own copies reach this part.
pub(super) fn is_aligned(x: &Tensor, part: &Part) -> bool {
    let runs = Runs::new(x.shape(), x.layout(), x.dtype(), part.axis);
    runs.is_aligned(&part.range, x.shape()[part.axis])
}

/// The axis whose positions are the longest ranges of neighbouring bytes.
pub(super) fn outermost(x: &Tensor) -> usize {
    let order = x.layout().memory_order(x.rank());
    order.into_iter().find(|&axis| x.shape()[axis] > 1).unwrap_or(0)
}
