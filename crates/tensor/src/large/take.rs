//! A part of a tensor as a tensor of its own.

use std::ops::Range;

use tilewright_ops::{DType, Op, SliceRange, op::cut::Part};

use super::{
    join::Joined,
    limit::{exceeds, limit},
    ranges::chunks_of,
    runs::{MOST_RUNS, Runs, outermost},
};
use crate::{error::Result, layout::Layout, tensor::Tensor};

/// `part` of `x`, laid out as `x`.
pub(super) fn take(x: &Tensor, part: &Part) -> Result<Tensor> {
    let taken = range(x, part.axis, &part.range)?;
    if part.border == (0, 0) {
        return Ok(taken);
    }
    let mut padding = vec![(0, 0); x.rank()];
    padding[part.axis] = part.border;
    let padded = Tensor::run_one(&Op::Pad { padding, value: 0.0 }, &[&taken.cast(DType::F32)?])?;
    padded.cast(x.dtype())
}

/// `range` of `axis` of `x`.
pub(super) fn range(x: &Tensor, axis: usize, range: &Range<usize>) -> Result<Tensor> {
    let extent = x.shape()[axis];
    if range.len() == extent {
        return Ok(x.clone());
    }
    let mut shape = x.shape().to_vec();
    shape[axis] = range.len();
    let runs = Runs::new(x.shape(), x.layout(), x.dtype(), axis);
    if runs.runs == 1 {
        // Neighbouring bytes are bound where they lie, if the device can begin there.
        let (offset, size) = (range.start as u64 * runs.inner, range.len() as u64 * runs.inner);
        if let Some(part) = x.context().part(x.buffer(), offset, size) {
            return Tensor::from_parts(x.context(), part, &shape, x.dtype(), x.layout());
        }
    }
    copied(x, axis, range)
}

/// As [`range`], in memory of its own.
pub(super) fn copied(x: &Tensor, axis: usize, range: &Range<usize>) -> Result<Tensor> {
    let extent = x.shape()[axis];
    let mut shape = x.shape().to_vec();
    shape[axis] = range.len();
    let runs = Runs::new(x.shape(), x.layout(), x.dtype(), axis);
    let large = exceeds(x.shape(), limit(x));
    if large && runs.runs <= MOST_RUNS && runs.is_aligned(range, extent) || shape.contains(&0) {
        let y = Tensor::empty(x.context(), &shape, x.dtype(), x.layout())?;
        let size = (range.len() as u64 * runs.inner).next_multiple_of(4);
        for run in 0..if y.count() == 0 { 0 } else { runs.runs as u64 } {
            let from = run * runs.pitch + range.start as u64 * runs.inner;
            x.context().copy(x.buffer(), from, y.buffer(), run * range.len() as u64 * runs.inner, size)?;
        }
        return Ok(y);
    }
    let mut ranges: Vec<_> = x.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
    ranges[axis] = SliceRange::new(range.start, range.end);
    if !large {
        return Tensor::run_one(&Op::Slice(ranges), &[x]);
    }
    if let Some(wide) = x.words() {
        return copied(&x.cast(wide)?, axis, range)?.cast(x.dtype());
    }
    // Slices of neighbouring bytes, and of each a part by a kernel.
    let outer = outermost(x);
    let mut joined = Joined::new(&shape, outer, 1);
    for chunk in chunks(x, outer) {
        let slice = self::range(x, outer, &chunk)?;
        ranges[outer] = SliceRange::full(chunk.len());
        joined.push(&Tensor::run_one(&Op::Slice(ranges.clone()), &[&slice])?, 0, chunk.len())?;
    }
    joined.finish()
}

/// `x`, of four axes, in another layout: slices of it, joined along the axis that is outermost in both.
pub(crate) fn to_layout(x: &Tensor, layout: Layout) -> Result<Tensor> {
    if let Some(wide) = x.words() {
        return x.cast(wide)?.to_layout(layout)?.cast(x.dtype());
    }
    let axis = [0, 2, 3].into_iter().find(|&axis| x.shape()[axis] > 1).unwrap_or(1);
    let mut joined = Joined::new(x.shape(), axis, 1);
    for chunk in chunks(x, axis) {
        joined.push(&range(x, axis, &chunk)?.to_layout(layout)?, 0, chunk.len())?;
    }
    joined.finish()
}

/// Ranges of `axis` that fit where a single position fits.
fn chunks(x: &Tensor, axis: usize) -> impl Iterator<Item = Range<usize>> {
    chunks_of(x.shape(), axis, limit(x))
}
