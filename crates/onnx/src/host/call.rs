//! A node with the values of its operands, as the host's operators see it.

use crate::error::{Error, Result};
use crate::limit::LIMIT;
use crate::model::Node;
use crate::params::operands::Operands;
use crate::tensor::{Data, HostTensor};

/// A node with the values of its operands.
#[derive(Debug)]
pub struct Call<'a> {
    node: &'a Node,
    inputs: Vec<Option<&'a HostTensor>>,
}

impl<'a> Call<'a> {
    /// A call of `node`; an operand is `None` where it is left out.
    #[must_use]
    pub const fn new(node: &'a Node, inputs: Vec<Option<&'a HostTensor>>) -> Self {
        Self { node, inputs }
    }

    /// The operand at `index`, which must be there.
    pub(super) fn operand(&self, index: usize) -> Result<&'a HostTensor> {
        let found = self.inputs.get(index).copied().flatten();
        found.ok_or_else(|| self.node.wrong(format!("operand {index} is missing")))
    }

    /// Every operand, of which none may be left out.
    pub(super) fn operands(&self) -> Result<Vec<&'a HostTensor>> {
        (0..self.inputs.len()).map(|index| self.operand(index)).collect()
    }

    /// What is wrong with an operand of more elements than the host computes with, if there is one.
    pub(super) fn oversized(&self) -> Option<Error> {
        let mut counts = self.inputs.iter().flatten().map(|input| input.count());
        counts.find(|&count| count > LIMIT).map(|count| self.too_large(count as u128))
    }

    fn too_large(&self, elements: u128) -> Error {
        Error::TooLarge { node: self.node.place(), elements, limit: LIMIT }
    }

    /// The number of elements of a result, which must not be too large; an extent of zero does not excuse the others.
    pub(super) fn count(&self, shape: &[usize]) -> Result<usize> {
        let most = shape.iter().fold(1_u128, |count, &extent| count.saturating_mul(extent.max(1) as u128));
        if most > LIMIT as u128 {
            return Err(self.too_large(most));
        }
        Ok(shape.iter().product())
    }

    /// A result of that shape.
    pub(super) fn tensor(&self, shape: &[usize], data: Data) -> Result<HostTensor> {
        let wrong =
            |data: Data| self.node.wrong(format!("{} elements do not fill the shape {shape:?}", data.len()));
        HostTensor::new(shape, data).map_err(wrong)
    }

    /// The elements of `from` at `indices`, in `shape`.
    pub(super) fn moved(
        &self,
        from: &HostTensor,
        shape: &[usize],
        indices: &[usize],
    ) -> Result<Vec<HostTensor>> {
        Ok(vec![self.tensor(shape, from.data().take(indices))?])
    }
}

impl Operands for Call<'_> {
    fn node(&self) -> &Node {
        self.node
    }

    fn opset(&self) -> i64 {
        self.node.opset
    }

    fn constant(&self, index: usize) -> Result<Option<&HostTensor>> {
        Ok(self.inputs.get(index).copied().flatten())
    }
}
