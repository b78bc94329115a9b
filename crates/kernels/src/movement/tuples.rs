//! What gathering and scattering by tuples of indices share.

use tilewright_runtime::{Error, Result};

use crate::base::{numbers::to_u32, strided::MAX_RANK};

/// How tuples of indices name places: in each of `outer` parts of a tensor, `tuples` of them name places among the axes of
/// `extents`, and at each lie `inner` elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tuples {
    /// Parts.
    pub outer: usize,
    /// Tuples for each part.
    pub tuples: usize,
    /// Elements at a place.
    pub inner: usize,
    /// The axes that are indexed.
    pub extents: Vec<usize>,
    /// Whether all parts have the same tuples.
    pub shared: bool,
}

impl Tuples {
    /// Places in a part.
    pub(super) fn places(&self) -> usize {
        self.extents.iter().product()
    }

    /// The extents as the kernels take them.
    pub(super) fn extents(&self, op: &str) -> Result<[u32; 8]> {
        if self.extents.len() > MAX_RANK {
            return Err(Error::Limit {
                op: op.to_owned(),
                what: "the indices of a tuple",
                needed: self.extents.len() as u64,
                limit: MAX_RANK as u64,
                detail: format!("axes {:?} are indexed: reshape to fewer", self.extents),
            });
        }
        let mut extents = [1; 8];
        for (to, &extent) in extents.iter_mut().zip(&self.extents) {
            *to = to_u32(op, extent)?;
        }
        Ok(extents)
    }
}
