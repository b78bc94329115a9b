//! The weight of a forward pass, as it lies or in the order of an algorithm.

use tilewright_ops::DType;
use tilewright_runtime::{Buffer, Result};

use super::{algorithm::Conv2dAlgorithm, problem::Problem};

/// The weight of a forward pass.
#[derive(Clone, Copy, Debug)]
pub enum Weight<'a> {
    /// O C/groups KH KW in memory; what an algorithm wants otherwise is made at each call.
    Plain(&'a Buffer),
    /// What `pack_weight` made.
    Packed(&'a PackedWeight),
}

impl<'a> From<&'a Buffer> for Weight<'a> {
    fn from(buffer: &'a Buffer) -> Self {
        Self::Plain(buffer)
    }
}

impl<'a> From<&'a PackedWeight> for Weight<'a> {
    fn from(packed: &'a PackedWeight) -> Self {
        Self::Packed(packed)
    }
}

/// A weight in the order that one algorithm reads: for every input size, stride, padding and dilation that the
/// algorithm runs.
#[derive(Clone, Debug)]
pub struct PackedWeight {
    buffer: Buffer,
    algorithm: Conv2dAlgorithm,
    shape: [usize; 4],
    groups: usize,
    dtype: DType,
}

impl PackedWeight {
    /// `buffer` holds the weight of `problem` as `algorithm` reads it.
    pub(super) fn new(algorithm: Conv2dAlgorithm, problem: &Problem, buffer: Buffer) -> Self {
        let Problem { w_shape: shape, op, dtype, .. } = *problem;
        Self { buffer, algorithm, shape, groups: op.groups, dtype }
    }

    /// The algorithm that reads it.
    pub fn algorithm(&self) -> Conv2dAlgorithm {
        self.algorithm
    }

    /// The numbers, in the algorithm's order.
    pub(super) fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// O C/groups KH KW of the weight it was made from.
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }

    /// Bytes on the device.
    pub fn bytes(&self) -> u64 {
        self.buffer.size()
    }

    /// What is wrong with it for a forward pass of `problem` with a weight of this shape, if anything is.
    pub(super) fn mismatch(&self, problem: &Problem) -> Option<String> {
        let Self { shape, groups, dtype, .. } = *self;
        if (shape, groups) != (problem.w_shape, problem.op.groups) {
            Some(format!("the packed weight has shape {shape:?} in {groups} groups"))
        } else {
            (dtype != problem.dtype).then(|| format!("the packed weight is {dtype}"))
        }
    }
}

impl Weight<'_> {
    /// The weight as the algorithm reads it; `pack` makes that from O C/groups KH KW.
    pub(super) fn packed(self, pack: impl FnOnce(&Buffer) -> Result<Buffer>) -> Result<Buffer> {
        match self {
            Self::Plain(weight) => pack(weight),
            Self::Packed(packed) => Ok(packed.buffer.clone()),
        }
    }
}
