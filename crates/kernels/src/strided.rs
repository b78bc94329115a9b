//! Boxes of indices with strides: what the strided kernels walk over.

use tilewright_runtime::{Error, Result};

use crate::to_u32;

/// Axes that a strided kernel takes, after merging.
pub const MAX_RANK: usize = 8;

/// A box of `shape` with the strides of two operands, as few axes as can be. Axes go from slowest to fastest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strided {
    /// Extents; at least one axis.
    pub shape: Vec<usize>,
    /// Strides of the first operand, in elements; they may be negative.
    pub first: Vec<isize>,
    /// Strides of the second operand.
    pub second: Vec<isize>,
}

impl Strided {
    /// Drops axes of extent 1 and merges neighbours that are contiguous in both operands.
    pub fn new(shape: &[usize], first: &[isize], second: &[isize]) -> Self {
        let mut merged = Self { shape: Vec::new(), first: Vec::new(), second: Vec::new() };
        for ((&extent, &a), &b) in shape.iter().zip(first).zip(second) {
            if extent == 1 {
                continue;
            }
            let inner = extent as isize;
            if let (Some(last), Some(last_a), Some(last_b)) =
                (merged.shape.last_mut(), merged.first.last_mut(), merged.second.last_mut())
                && *last_a == a * inner
                && *last_b == b * inner
            {
                *last *= extent;
                *last_a = a;
                *last_b = b;
            } else {
                merged.shape.push(extent);
                merged.first.push(a);
                merged.second.push(b);
            }
        }
        if merged.shape.is_empty() {
            merged.shape.push(1);
            merged.first.push(0);
            merged.second.push(0);
        }
        merged
    }

    /// Elements in the box.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The extents as the kernels take them.
    pub(crate) fn extents(&self, op: &str) -> Result<[u32; 8]> {
        if self.shape.len() > MAX_RANK {
            return Err(Error::Limit {
                op: op.to_owned(),
                what: "the number of axes",
                needed: self.shape.len() as u64,
                limit: MAX_RANK as u64,
                detail: format!("shape {:?} after merging", self.shape),
            });
        }
        let mut out = [1; 8];
        for (slot, &extent) in out.iter_mut().zip(&self.shape) {
            *slot = to_u32(op, extent)?;
        }
        Ok(out)
    }
}

/// Strides as the kernels take them: added modulo 2^32.
pub(crate) fn wrap(strides: &[isize]) -> [u32; 8] {
    let mut out = [0; 8];
    for (slot, &stride) in out.iter_mut().zip(strides) {
        *slot = stride as u32;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_what_is_contiguous_in_both() {
        let merged = Strided::new(&[2, 1, 3, 4], &[12, 99, 4, 1], &[12, 7, 4, 1]);
        assert_eq!((merged.shape, merged.first, merged.second), (vec![24], vec![1], vec![1]));
        let merged = Strided::new(&[2, 3, 4], &[12, 4, 1], &[0, 4, 1]);
        assert_eq!((merged.shape, merged.second), (vec![2, 12], vec![0, 1]));
        assert_eq!(Strided::new(&[], &[], &[]).shape, [1]);
    }
}
