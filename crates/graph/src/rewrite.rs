//! How passes change a graph: by writing a new one while they walk over the old one.
//!
//! Nodes come in order, so that the new graph is sorted by construction, and what nobody copies is gone.

use std::collections::HashMap;

use tilewright_ops::Op;
use tilewright_tensor::Tensor;

use crate::{Graph, Node, Result, ValueId};

/// A new graph, and what the old one's values are in it.
pub struct Rewriter<'a> {
    old: &'a Graph,
    new: Graph,
    map: HashMap<ValueId, ValueId>,
}

impl<'a> Rewriter<'a> {
    /// A graph with the inputs of `old`.
    pub fn new(old: &'a Graph) -> Self {
        let mut new = Graph::new(old.context());
        new.share(old.shared().clone());
        let mut map = HashMap::new();
        for (name, id) in old.inputs() {
            let value = &old[*id];
            map.insert(*id, new.input(name.clone(), &value.shape, value.dtype));
        }
        Self { old, new, map }
    }

    /// The new graph as far as it is written.
    pub fn graph(&self) -> &Graph {
        &self.new
    }

    /// What `old` is now. Constants are copied when they are asked for.
    ///
    /// # Panics
    /// Never for a value of a sorted graph, whose maker has been kept or replaced.
    pub fn value(&mut self, old: ValueId) -> ValueId {
        if let Some(&new) = self.map.get(&old) {
            return new;
        }
        let new = match &self.old[old].constant {
            Some(tensor) => self.new.constant(tensor.clone()),
            None => unreachable!("a value is read before its node was kept or replaced"),
        };
        self.map.insert(old, new);
        new
    }

    /// Says that `old` is `new` from now on.
    pub fn replace(&mut self, old: ValueId, new: ValueId) {
        self.map.insert(old, new);
    }

    /// Copies a node, and gives its results.
    pub fn keep(&mut self, node: &Node) -> Result<Vec<ValueId>> {
        self.keep_as(node, node.op.clone(), &node.inputs)
    }

    /// A node of another operation on `inputs` (of the old graph), whose results take the place of `node`'s, as far as it
    /// has them.
    pub fn keep_as(&mut self, node: &Node, op: Op, inputs: &[ValueId]) -> Result<Vec<ValueId>> {
        let inputs: Vec<_> = inputs.iter().map(|&input| self.value(input)).collect();
        let outputs = self.new.push_all(node.name.clone(), op, &inputs)?;
        self.map.extend(node.outputs.iter().copied().zip(outputs.iter().copied()));
        Ok(outputs)
    }

    /// A node on values of the new graph, and its first result.
    pub fn push(&mut self, name: impl Into<String>, op: Op, inputs: &[ValueId]) -> Result<ValueId> {
        self.new.push(name, op, inputs)
    }

    /// A node on values of the new graph, and its results.
    pub fn push_all(&mut self, name: impl Into<String>, op: Op, inputs: &[ValueId]) -> Result<Vec<ValueId>> {
        self.new.push_all(name, op, inputs)
    }

    /// A constant of the new graph.
    pub fn constant(&mut self, tensor: Tensor) -> ValueId {
        self.new.constant(tensor)
    }

    /// The new graph with the old one's outputs.
    pub fn finish(mut self) -> Graph {
        for (name, id) in self.old.outputs() {
            let id = self.value(*id);
            self.new.add_output(name.clone(), id);
        }
        self.new
    }
}
