//! The graph: values, and nodes that make them.

use std::{collections::HashMap, sync::Arc};

use tilewright_ops::{DType, Op};
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

use crate::{Constants, Error, Result};

/// Names a value of one graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub(crate) usize);

/// An input, a constant, or what a node makes.
#[derive(Clone, Debug)]
pub struct Value {
    /// The logical shape.
    pub shape: Vec<usize>,
    /// The element type.
    pub dtype: DType,
    /// What it is, if it does not depend on the inputs.
    pub constant: Option<Tensor>,
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name in errors and profiles; not unique.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// Its operands, in the order that [`Op`] lists.
    pub inputs: Vec<ValueId>,
    /// Its results, in the order that [`Op`] lists; one at least.
    pub outputs: Vec<ValueId>,
}

impl Node {
    /// Its first result: the only one of most operations.
    pub fn output(&self) -> ValueId {
        self.outputs[0]
    }
}

/// Operations over values, sorted: what a node reads is an input, a constant, or made by a node before it.
#[derive(Clone)]
pub struct Graph {
    context: Context,
    values: Vec<Value>,
    nodes: Vec<Node>,
    inputs: Vec<(String, ValueId)>,
    outputs: Vec<(String, ValueId)>,
    constants: Arc<Constants>,
}

impl Graph {
    /// An empty graph, whose constants live on `context`.
    pub fn new(context: &Context) -> Self {
        Self {
            context: context.eager(),
            values: Vec::new(),
            nodes: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            constants: Arc::default(),
        }
    }

    /// The same on a context of [`Context::exact`].
    pub(crate) fn exact(&self) -> Self {
        let context = self.context.exact();
        let mut exact = Self { context: context.clone(), ..self.clone() };
        for constant in exact.values.iter_mut().filter_map(|value| value.constant.as_mut()) {
            *constant = constant.on(&context);
        }
        exact
    }

    /// Takes over what other graphs of the same network have computed from its constants.
    pub fn share(&mut self, constants: Arc<Constants>) {
        self.constants = constants;
    }

    /// What is computed from constants once.
    pub fn shared(&self) -> &Arc<Constants> {
        &self.constants
    }

    /// A new input.
    pub fn input(&mut self, name: impl Into<String>, shape: &[usize], dtype: DType) -> ValueId {
        let id = self.value(shape.to_vec(), dtype, None);
        self.inputs.push((name.into(), id));
        id
    }

    /// A constant: a weight, a table. In a graph the numbers of a quantised tensor are bare: its operations were written down
    /// by what they stand for.
    pub fn constant(&mut self, tensor: Tensor) -> ValueId {
        let tensor = tensor.without_quantization();
        self.value(tensor.shape().to_vec(), tensor.dtype(), Some(tensor))
    }

    /// A node at the end, and its first result.
    ///
    /// # Errors
    /// As [`Self::push_all`].
    pub fn push(&mut self, name: impl Into<String>, op: Op, inputs: &[ValueId]) -> Result<ValueId> {
        Ok(self.push_all(name, op, inputs)?[0])
    }

    /// A node at the end, and its results.
    ///
    /// # Errors
    /// [`Error::Node`] if the operation does not fit the operands' shapes or types, [`Error::ForeignOperand`] if an operand
    /// is no value of this graph.
    pub fn push_all(&mut self, name: impl Into<String>, op: Op, inputs: &[ValueId]) -> Result<Vec<ValueId>> {
        let name = name.into();
        if let Some(operand) = inputs.iter().position(|id| id.0 >= self.values.len()) {
            return Err(Error::ForeignOperand { node: name, operand });
        }
        let facts = op.facts();
        let wrong = |error: tilewright_tensor::Error| Error::node(&name, error);
        facts.check_count(inputs.len()).map_err(|error| wrong(error.into()))?;
        let types: Vec<_> = inputs.iter().map(|&id| self[id].dtype).collect();
        let dtypes = facts.output_dtypes(&types).map_err(|error| wrong(error.into()))?;
        let extents: Vec<_> = inputs.iter().map(|&id| &self[id].shape[..]).collect();
        let shapes = facts.output_shapes(&extents).map_err(|error| wrong(error.into()))?;
        drop(facts);
        let results = shapes.into_iter().zip(dtypes);
        let outputs: Vec<_> = results.map(|(shape, dtype)| self.value(shape, dtype, None)).collect();
        self.nodes.push(Node { name, op, inputs: inputs.to_vec(), outputs: outputs.clone() });
        Ok(outputs)
    }

    /// A new output.
    ///
    /// # Errors
    /// [`Error::ForeignOutput`] if it is no value of this graph.
    pub fn output(&mut self, name: impl Into<String>, value: ValueId) -> Result<()> {
        let name = name.into();
        if value.0 >= self.values.len() {
            return Err(Error::ForeignOutput { name });
        }
        self.add_output(name, value);
        Ok(())
    }

    /// As [`Self::output`], of a value that is this graph's.
    pub(crate) fn add_output(&mut self, name: String, value: ValueId) {
        self.outputs.push((name, value));
    }

    /// The same graph with these tensors in the place of some of its constants.
    ///
    /// # Errors
    /// [`Error::Input`] for a tensor of another shape or type, [`Error::ForeignOutput`] for a value that is no constant.
    pub fn with_constants(&self, constants: &HashMap<ValueId, Tensor>) -> Result<Self> {
        let mut new = self.clone();
        // What was computed from the others does not hold any more.
        new.constants = Arc::default();
        for (id, tensor) in constants {
            let name = || format!("constant {}", id.0);
            let Some(value) = new.values.get_mut(id.0).filter(|value| value.constant.is_some()) else {
                return Err(Error::ForeignOutput { name: name() });
            };
            if tensor.shape() != value.shape || tensor.dtype() != value.dtype {
                let said = |dtype: DType, shape: &[usize]| format!("{} {shape:?}", dtype.name());
                let found = said(tensor.dtype(), tensor.shape());
                return Err(Error::Input { name: name(), found, expected: said(value.dtype, &value.shape) });
            }
            value.constant = Some(tensor.clone());
        }
        Ok(new)
    }

    /// The context of the constants.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The nodes, each behind those that it reads from.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The inputs by name.
    pub fn inputs(&self) -> &[(String, ValueId)] {
        &self.inputs
    }

    /// The outputs by name.
    pub fn outputs(&self) -> &[(String, ValueId)] {
        &self.outputs
    }

    /// The node that makes each value that a node makes.
    pub fn makers(&self) -> HashMap<ValueId, usize> {
        let made = |(at, node): (usize, &Node)| node.outputs.iter().map(|&id| (id, at)).collect::<Vec<_>>();
        self.nodes.iter().enumerate().flat_map(made).collect()
    }

    /// How often each value is read, by nodes and as an output.
    pub fn uses(&self) -> HashMap<ValueId, usize> {
        let mut uses = HashMap::new();
        let read = self.nodes.iter().flat_map(|node| &node.inputs);
        for &id in read.chain(self.outputs.iter().map(|(_, id)| id)) {
            *uses.entry(id).or_default() += 1;
        }
        uses
    }

    /// Elements of all constants that nodes read: the parameters.
    pub fn parameters(&self) -> usize {
        let mut seen: Vec<ValueId> = self.nodes.iter().flat_map(|node| node.inputs.clone()).collect();
        seen.sort_unstable();
        seen.dedup();
        seen.iter().filter_map(|&id| self[id].constant.as_ref()).map(Tensor::count).sum()
    }

    /// The shapes of a node's operands.
    pub fn shapes(&self, node: &Node) -> Vec<&[usize]> {
        node.inputs.iter().map(|&id| &self[id].shape[..]).collect()
    }

    fn value(&mut self, shape: Vec<usize>, dtype: DType, constant: Option<Tensor>) -> ValueId {
        self.values.push(Value { shape, dtype, constant });
        ValueId(self.values.len() - 1)
    }
}

impl std::ops::Index<ValueId> for Graph {
    type Output = Value;

    /// # Panics
    /// For an id that another graph gave.
    fn index(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for Node { name, op, inputs, outputs } in &self.nodes {
            let operands: Vec<_> = inputs
                .iter()
                .map(|&id| format!("{}{}", if self[id].constant.is_some() { "c" } else { "v" }, id.0))
                .collect();
            let results: Vec<_> =
                outputs.iter().map(|&id| format!("v{} {:?}", id.0, self[id].shape)).collect();
            writeln!(f, "{} = {op:?}({}) \"{name}\"", results.join(", "), operands.join(", "))?;
        }
        Ok(())
    }
}
