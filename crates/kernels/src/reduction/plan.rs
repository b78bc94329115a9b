//! How a tensor is walked by a reduction: kept axes outside, reduced axes inside, as few of each as can be.

use tilewright_runtime::{Error, Result};

use crate::base::{numbers::to_u32, strided::MAX_RANK};

/// An axis of a tensor in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Its extent.
    pub extent: usize,
    /// Elements from one index to the next.
    pub stride: usize,
}

/// The axes of a tensor, each list from slowest to fastest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub(super) kept: Vec<Axis>,
    pub(super) reduced: Vec<Axis>,
}

impl Plan {
    /// Merges neighbours in each list that are contiguous. The results lie in the order of `kept`, and elements are
    /// combined in the order of `reduced`. No extent may be 0.
    pub fn new(kept: impl IntoIterator<Item = Axis>, reduced: impl IntoIterator<Item = Axis>) -> Self {
        Self { kept: merge(kept), reduced: merge(reduced) }
    }

    /// Outputs.
    pub fn outputs(&self) -> usize {
        count(&self.kept)
    }

    /// Elements behind each output.
    pub fn count(&self) -> usize {
        count(&self.reduced)
    }
}

pub(super) fn count(axes: &[Axis]) -> usize {
    axes.iter().map(|axis| axis.extent).product()
}

fn merge(axes: impl IntoIterator<Item = Axis>) -> Vec<Axis> {
    let mut merged: Vec<Axis> = Vec::new();
    for axis in axes.into_iter().filter(|axis| axis.extent != 1) {
        match merged.last_mut() {
            Some(last) if last.stride == axis.extent * axis.stride => {
                *last = Axis { extent: last.extent * axis.extent, stride: axis.stride };
            }
            _ => merged.push(axis),
        }
    }
    if merged.is_empty() {
        merged.push(Axis { extent: 1, stride: 1 });
    }
    merged
}

/// Extents and strides as the kernels take them.
pub(super) fn lists(op: &str, axes: &[Axis]) -> Result<([u32; 8], [u32; 8])> {
    if axes.len() > MAX_RANK {
        return Err(Error::Limit {
            op: op.to_owned(),
            what: "the number of axes",
            needed: axes.len() as u64,
            limit: MAX_RANK as u64,
            detail: format!("{axes:?} after merging"),
        });
    }
    let (mut extents, mut strides) = ([1; 8], [0; 8]);
    for (at, axis) in axes.iter().enumerate() {
        extents[at] = to_u32(op, axis.extent)?;
        strides[at] = to_u32(op, axis.stride)?;
    }
    Ok((extents, strides))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(extent: usize, stride: usize) -> Axis {
        Axis { extent, stride }
    }

    #[test]
    fn merges_what_is_contiguous() {
        // The bias gradient: N, H, W reduced and C kept, channels-last.
        let plan = Plan::new([axis(8, 1)], [axis(2, 96), axis(3, 32), axis(4, 8)]);
        assert_eq!(plan, Plan { kept: vec![axis(8, 1)], reduced: vec![axis(24, 8)] });
        let plan = Plan::new([axis(1, 7)], [axis(2, 96), axis(3, 4)]);
        assert_eq!(plan, Plan { kept: vec![axis(1, 1)], reduced: vec![axis(2, 96), axis(3, 4)] });
        assert_eq!((plan.outputs(), plan.count()), (1, 6));
    }
}
