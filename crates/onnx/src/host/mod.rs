//! Operators computed on the host, over tensors of any element type: the shape arithmetic that exporters leave in a
//! graph, and whatever else depends on constants alone.
//!
//! Sums and functions are computed in f64 or i128 and rounded once, to the element type of the result. Nothing here is
//! meant for large tensors: what would make or read one of more than [`LIMIT`] elements is refused.

mod broadcast;
mod create;
mod elementwise;
mod gather;
mod indices;
mod movement;
mod order;
mod reduce;
mod scatter;

use crate::params::Operands;
use crate::{Error, HostTensor, Model, Node, Result};

/// The most elements of a tensor that is computed on the host.
pub const LIMIT: usize = 1 << 22;

/// A node with the values of its operands.
#[derive(Debug)]
pub struct Call<'a> {
    node: &'a Node,
    opset: i64,
    inputs: Vec<Option<&'a HostTensor>>,
}

type Operator = fn(&Call) -> Result<Vec<HostTensor>>;

impl<'a> Call<'a> {
    /// A call of `node` under the operator set of `model`; an operand is `None` where it is left out.
    #[must_use]
    pub fn new(model: &Model, node: &'a Node, inputs: Vec<Option<&'a HostTensor>>) -> Self {
        Self { node, opset: model.opset(&node.domain).unwrap_or(0), inputs }
    }

    /// Whether the operator is computed on the host at all.
    #[must_use]
    pub fn known(node: &Node) -> bool {
        node.domain.is_empty() && operator(&node.op_type).is_some()
    }

    /// The results, in the order of the node's outputs. `None` if the operator is not computed on the host.
    #[must_use]
    pub fn evaluate(&self) -> Option<Result<Vec<HostTensor>>> {
        let operator = operator(&self.node.op_type).filter(|_| self.node.domain.is_empty())?;
        if let Some(large) =
            self.inputs.iter().flatten().map(|input| input.count()).find(|&count| count > LIMIT)
        {
            return Some(Err(self.too_large(large as u128)));
        }
        Some(operator(self))
    }

    /// The operand at `index`, which must be there.
    fn operand(&self, index: usize) -> Result<&'a HostTensor> {
        let found = self.inputs.get(index).copied().flatten();
        found.ok_or_else(|| self.node.wrong(format!("operand {index} is missing")))
    }

    /// Every operand, of which none may be left out.
    fn operands(&self) -> Result<Vec<&'a HostTensor>> {
        (0..self.inputs.len()).map(|index| self.operand(index)).collect()
    }

    fn too_large(&self, elements: u128) -> Error {
        Error::TooLarge { node: self.node.place(), elements, limit: LIMIT }
    }

    /// The number of elements of a result, which must not be too large; an extent of zero does not excuse the others.
    fn count(&self, shape: &[usize]) -> Result<usize> {
        let most = shape.iter().fold(1_u128, |count, &extent| count.saturating_mul(extent.max(1) as u128));
        if most > LIMIT as u128 {
            return Err(self.too_large(most));
        }
        Ok(shape.iter().product())
    }

    /// A result of that shape.
    fn tensor(&self, shape: &[usize], data: crate::Data) -> Result<HostTensor> {
        let wrong = |data: crate::Data| {
            self.node.wrong(format!("{} elements do not fill the shape {shape:?}", data.len()))
        };
        HostTensor::new(shape, data).map_err(wrong)
    }

    /// The elements of `from` at `indices`, in `shape`.
    fn moved(&self, from: &HostTensor, shape: &[usize], indices: &[usize]) -> Result<Vec<HostTensor>> {
        Ok(vec![self.tensor(shape, from.data().take(indices))?])
    }
}

impl Operands for Call<'_> {
    fn node(&self) -> &Node {
        self.node
    }

    fn opset(&self) -> i64 {
        self.opset
    }

    fn constant(&self, index: usize) -> Result<Option<&HostTensor>> {
        Ok(self.inputs.get(index).copied().flatten())
    }
}

fn operator(name: &str) -> Option<Operator> {
    let families = [
        elementwise::operator,
        movement::operator,
        gather::operator,
        scatter::operator,
        create::operator,
        reduce::operator,
        order::operator,
    ];
    families.into_iter().find_map(|family| family(name))
}
