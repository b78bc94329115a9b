//! A choice between two tensors.

use tilewright_ops::Op;

use crate::{error::Result, tensor::Tensor};

impl Tensor {
    /// This tensor where `condition` is not 0, else `other`, all three broadcast to one shape: `torch.where`. What is not
    /// chosen may be anything, NaN included.
    pub fn where_on(&self, condition: &Self, other: &Self) -> Result<Self> {
        Self::run_one(&Op::Where, &[condition, self, other])
    }
}
