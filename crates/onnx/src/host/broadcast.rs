//! Two or more operands, broadcast to one shape.

use super::call::Call;
use super::indices;
use crate::error::Result;
use crate::params::axis;
use crate::params::operands::Operands;
use crate::tensor::{Data, HostTensor, Numbers};

/// Operands broadcast to one shape, as numbers; floats as soon as one of them is of floats.
pub(super) struct Joined {
    pub(super) shape: Vec<usize>,
    pub(super) numbers: Vec<Numbers>,
}

impl Joined {
    pub(super) fn of(call: &Call, operands: &[&HostTensor]) -> Result<Self> {
        let mut shape = vec![];
        for operand in operands {
            shape = call.check(axis::broadcast_shapes(&shape, operand.shape()))?;
        }
        call.count(&shape)?;
        let numbers = operands.iter().map(|operand| expanded(operand, &shape).numbers());
        Ok(Self { numbers: numbers.collect(), shape })
    }
}

/// The elements of a tensor broadcast to `shape`.
pub(super) fn expanded(tensor: &HostTensor, shape: &[usize]) -> Data {
    if tensor.shape() == shape {
        tensor.data().clone()
    } else {
        tensor.data().take(&indices::broadcast(tensor.shape(), shape))
    }
}
