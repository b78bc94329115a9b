//! Boxes of indices with strides: what the strided kernels walk over.

use tilewright_runtime::{Error, Result};

use super::{
    magic::{magic, to_numerator},
    numbers::to_u32,
};

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

    /// The box in vec4s of its fastest axis, if it can be walked so.
    pub(crate) fn quads(&self) -> Option<Quads> {
        let last = self.shape.len() - 1;
        if !self.shape[last].is_multiple_of(4) {
            return None;
        }
        let mut index = self.clone();
        index.shape[last] /= 4;
        let mut splat = [false; 2];
        for (strides, splat) in [&mut index.first, &mut index.second].into_iter().zip(&mut splat) {
            let (inner, outer) = strides.split_last_mut()?;
            match inner {
                1 if outer.iter().all(|stride| stride % 4 == 0) => {
                    outer.iter_mut().for_each(|stride| *stride /= 4);
                }
                0 => *splat = true,
                _ => return None,
            }
        }
        Some(Quads { index, splat })
    }

    /// The box as the kernels walk over it, four elements of the fastest axis at a time where that divides.
    pub(crate) fn steps(&self, op: &str) -> Result<Steps> {
        let last = self.shape.len() - 1;
        self.steps_of(op, if self.shape[last].is_multiple_of(4) { 4 } else { 1 })
    }

    /// The box as the kernels walk over it, `step` elements of the fastest axis, which they divide, for one taking apart of
    /// the index.
    pub(crate) fn steps_of(&self, op: &str, step: usize) -> Result<Steps> {
        if self.shape.len() > MAX_RANK {
            return Err(Error::Limit {
                op: op.to_owned(),
                what: "the number of axes",
                needed: self.shape.len() as u64,
                limit: MAX_RANK as u64,
                detail: format!("shape {:?} after merging", self.shape),
            });
        }
        let last = self.shape.len() - 1;
        let mut steps = Steps {
            rank: self.shape.len() as u32,
            step: step as u32,
            shape: [1; 8],
            magic: [0; 8],
            shift: [0; 8],
            first: wrap(&self.first),
            second: wrap(&self.second),
            inner: [self.first[last] as u32, self.second[last] as u32],
            count: to_numerator(op, self.count() / step)?,
        };
        to_u32(op, self.count())?;
        for (axis, &extent) in self.shape.iter().enumerate() {
            let extent = if axis == last { extent / step } else { extent };
            steps.shape[axis] = to_u32(op, extent)?;
            [steps.magic[axis], steps.shift[axis]] = magic(steps.shape[axis]);
        }
        for strides in [&mut steps.first, &mut steps.second] {
            strides[last] = strides[last].wrapping_mul(steps.step);
        }
        Ok(steps)
    }
}

/// A box whose fastest axis counts vec4s.
pub(crate) struct Quads {
    /// The strides of an operand count vec4s, or, if it is splat, elements.
    pub index: Strided,
    /// Which operand has one element for all of the fastest axis.
    pub splat: [bool; 2],
}

/// A box as a uniform has it: the fastest axis is counted in steps of `step` elements.
pub(crate) struct Steps {
    pub rank: u32,
    pub step: u32,
    pub shape: [u32; 8],
    pub magic: [u32; 8],
    pub shift: [u32; 8],
    /// Strides of both operands, of a whole step on the fastest axis.
    pub first: [u32; 8],
    pub second: [u32; 8],
    /// Strides of one element on the fastest axis.
    pub inner: [u32; 2],
    /// Steps in all.
    pub count: u32,
}

/// Strides as the kernels take them: added modulo 2^32.
fn wrap(strides: &[isize]) -> [u32; 8] {
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

    #[test]
    fn quads_are_whole() {
        let channels = Strided::new(&[6, 8], &[8, 1], &[0, 1]).quads().expect("whole vec4s");
        assert_eq!((channels.index.shape, channels.index.first), (vec![6, 2], vec![2, 1]));
        assert_eq!((channels.index.second, channels.splat), (vec![0, 1], [false; 2]));
        let planes = Strided::new(&[3, 8], &[8, 1], &[1, 0]).quads().expect("whole vec4s");
        assert_eq!((planes.index.second, planes.splat), (vec![1, 0], [false, true]));
        assert!(Strided::new(&[3, 6], &[6, 1], &[1, 0]).quads().is_none());
        assert!(Strided::new(&[3, 8], &[10, 1], &[8, 1]).quads().is_none());
        assert!(Strided::new(&[3, 8], &[1, 3], &[8, 1]).quads().is_none());
    }
}
