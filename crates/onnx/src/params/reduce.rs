//! Parameters of reductions.

use super::axis;
use super::operands::Operands;
use crate::error::Result;

/// Which axes go, and whether they stay as 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reduced {
    pub(crate) axes: Vec<usize>,
    pub(crate) keep: bool,
}

impl Reduced {
    /// The shape of the result.
    pub(crate) fn shape(&self, from: &[usize]) -> Vec<usize> {
        let extent = |axis: usize| match self.axes.contains(&axis) {
            true if self.keep => Some(1),
            true => None,
            false => Some(from[axis]),
        };
        (0..from.len()).filter_map(extent).collect()
    }
}

/// The axes of a Reduce… operator: all of them if none is named, unless that is said to mean none.
pub(crate) fn reduced(call: &impl Operands, rank: usize) -> Result<Reduced> {
    let attributes = &call.node().attributes;
    let given = call.integers("axes", 1)?.unwrap_or_default();
    let axes = if given.is_empty() && !attributes.flag("noop_with_empty_axes", false)? {
        (0..rank).collect()
    } else {
        call.check(axis::all(&given, rank))?
    };
    Ok(Reduced { axes, keep: attributes.flag("keepdims", true)? })
}

/// The axis of ArgMax and ArgMin.
pub(crate) fn arg_reduced(call: &impl Operands, rank: usize) -> Result<Reduced> {
    let attributes = &call.node().attributes;
    let axis = call.check(axis::one(attributes.int("axis", 0)?, rank))?;
    Ok(Reduced { axes: vec![axis], keep: attributes.flag("keepdims", true)? })
}
