//! What is written so far: nodes, initializers, and the names that are taken.

use std::collections::{HashMap, HashSet};

use half::f16;
use tilewright_graph::{Graph, Node, ValueId};
use tilewright_tensor::{DType, Tensor};

use crate::element::ElementType;
use crate::error::{Error, Result};
use crate::proto::{AttributeProto, NodeProto, TensorProto};

pub(super) struct Writer<'g> {
    pub(super) graph: &'g Graph,
    pub(super) nodes: Vec<NodeProto>,
    pub(super) initializers: Vec<TensorProto>,
    pub(super) names: HashMap<ValueId, String>,
    /// What the graph's outputs call values that nodes make.
    pub(super) wanted: HashMap<ValueId, String>,
    pub(super) taken: HashSet<String>,
    /// The node that is being written.
    pub(super) scope: String,
    /// Where its operators begin.
    start: usize,
}

impl<'g> Writer<'g> {
    /// Before anything is written, the ports not either.
    pub(super) fn new(graph: &'g Graph) -> Self {
        let (names, wanted, taken) = (HashMap::new(), HashMap::new(), HashSet::new());
        let (nodes, initializers, scope) = (vec![], vec![], String::new());
        Self { graph, nodes, initializers, names, wanted, taken, scope, start: 0 }
    }

    pub(super) fn begin(&mut self, node: &Node) {
        self.scope.clone_from(&node.name);
        self.start = self.nodes.len();
    }

    /// What was made for the node, `results` in their order, is called as its values are.
    pub(super) fn end(&mut self, node: &Node, results: &[String]) {
        for (&id, made) in node.outputs.iter().zip(results) {
            let name = match self.wanted.get(&id) {
                Some(name) => name.clone(),
                None => self.unique(&node.name),
            };
            for operator in &mut self.nodes[self.start..] {
                let places = operator.output.iter_mut().chain(&mut operator.input);
                places.filter(|place| *place == made).for_each(|place| place.clone_from(&name));
            }
            self.names.insert(id, name);
        }
    }

    /// The name of a value; a constant becomes an initializer when it is first read.
    pub(super) fn value(&mut self, node: &Node, id: ValueId) -> Result<String> {
        if let Some(name) = self.names.get(&id) {
            return Ok(name.clone());
        }
        let Some(tensor) = self.graph[id].constant.clone() else {
            return Err(refuse(node, "it reads a value that no node before it makes"));
        };
        let at = node.inputs.iter().position(|&input| input == id).unwrap_or(0);
        let part = match (node.op.name(), at) {
            ("conv2d" | "conv_transpose2d" | "matmul", 1) => "weight".to_owned(),
            ("conv2d" | "matmul", 2) => "bias".to_owned(),
            ("batch_norm_eval", _) => {
                ["x", "weight", "bias", "running_mean", "running_var"][at.min(4)].to_owned()
            }
            _ => format!("operand{at}"),
        };
        let name = self.unique(&format!("{}.{part}", node.name));
        self.initializer(&name, &tensor).map_err(|source| at_node(node, source))?;
        self.names.insert(id, name.clone());
        Ok(name)
    }

    /// The shape of a node's operand.
    pub(super) fn shape(&self, node: &Node, at: usize) -> &'g [usize] {
        &self.graph[node.inputs[at]].shape
    }

    /// The shape of a node's result.
    pub(super) fn output(&self, node: &Node) -> &'g [usize] {
        &self.graph[node.output()].shape
    }

    /// The name of one more result of the operator that made `first`.
    pub(super) fn next_result(&mut self, first: &str) -> String {
        let name = self.unique(&format!("{first}/next"));
        let made = |operator: &&mut NodeProto| operator.output.first().is_some_and(|output| output == first);
        if let Some(operator) = self.nodes.iter_mut().rev().find(made) {
            operator.output.push(name.clone());
        }
        name
    }

    /// One operator with one result, and the result's name.
    pub(super) fn emit(&mut self, operator: &str, inputs: &[&str], attribute: Vec<AttributeProto>) -> String {
        let name = self.unique(&format!("{}/{operator}", self.scope));
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: operator.to_owned(),
            attribute,
            ..NodeProto::default()
        });
        name
    }

    /// A constant of f32.
    pub(super) fn floats(&mut self, what: &str, shape: &[usize], values: &[f32]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(what, shape, ElementType::F32, bytes)
    }

    /// A number of f32.
    pub(super) fn scalar(&mut self, what: &str, value: f32) -> String {
        self.floats(what, &[], &[value])
    }

    /// A list of int64: a shape, axes.
    pub(super) fn integers(&mut self, what: &str, values: impl IntoIterator<Item = usize>) -> String {
        let values: Vec<i64> = values.into_iter().map(wide).collect();
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(what, &[values.len()], ElementType::I64, bytes)
    }

    pub(super) fn constant(
        &mut self,
        what: &str,
        shape: &[usize],
        dtype: ElementType,
        bytes: Vec<u8>,
    ) -> String {
        let name = self.unique(&format!("{}/{what}", self.scope));
        self.raw(&name, shape, dtype, bytes);
        name
    }

    pub(super) fn raw(&mut self, name: &str, shape: &[usize], dtype: ElementType, raw_data: Vec<u8>) {
        self.initializers.push(TensorProto {
            name: name.to_owned(),
            dims: shape.iter().map(|&extent| wide(extent)).collect(),
            data_type: dtype.number(),
            raw_data,
            ..TensorProto::default()
        });
    }

    pub(super) fn initializer(
        &mut self,
        name: &str,
        tensor: &Tensor,
    ) -> Result<(), tilewright_tensor::Error> {
        let bytes = match tensor.dtype() {
            DType::F32 => tensor.to_vec::<f32>()?.iter().flat_map(|value| value.to_le_bytes()).collect(),
            DType::F16 => tensor.to_vec::<f16>()?.iter().flat_map(|value| value.to_le_bytes()).collect(),
            DType::I32 => tensor.to_vec::<i32>()?.iter().flat_map(|value| value.to_le_bytes()).collect(),
            DType::U32 => tensor.to_vec::<u32>()?.iter().flat_map(|value| value.to_le_bytes()).collect(),
            DType::I8 => tensor.to_vec::<i8>()?.iter().flat_map(|value| value.to_le_bytes()).collect(),
            DType::U8 => tensor.to_vec::<u8>()?,
        };
        self.raw(name, tensor.shape(), element_type(tensor.dtype()), bytes);
        Ok(())
    }

    /// `name`, or with a number where that is taken.
    pub(super) fn unique(&mut self, name: &str) -> String {
        let mut candidate = name.to_owned();
        let mut number = 1;
        // An empty name means an operand left out.
        while candidate.is_empty() || !self.taken.insert(candidate.clone()) {
            candidate = format!("{name}_{number}");
            number += 1;
        }
        candidate
    }
}

/// A node that cannot be written.
pub(super) fn refuse(node: &Node, reason: &str) -> Error {
    Error::Export { node: node.name.clone(), op: node.op.name(), reason: reason.to_owned() }
}

pub(super) fn at_node(node: &Node, source: tilewright_tensor::Error) -> Error {
    Error::Tensor { node: node.name.clone(), source: Box::new(source) }
}

pub(super) const fn element_type(dtype: DType) -> ElementType {
    match dtype {
        DType::F32 => ElementType::F32,
        DType::F16 => ElementType::F16,
        DType::I32 => ElementType::I32,
        DType::U32 => ElementType::U32,
        DType::I8 => ElementType::I8,
        DType::U8 => ElementType::U8,
    }
}

/// An extent as the format has it.
pub(super) fn wide(extent: usize) -> i64 {
    i64::try_from(extent).unwrap_or(i64::MAX)
}

pub(super) fn int(name: &str, value: usize) -> AttributeProto {
    AttributeProto { name: name.to_owned(), r#type: 2, i: wide(value), ..AttributeProto::default() }
}

pub(super) fn ints(name: &str, values: impl IntoIterator<Item = usize>) -> AttributeProto {
    let ints = values.into_iter().map(wide).collect();
    AttributeProto { name: name.to_owned(), r#type: 7, ints, ..AttributeProto::default() }
}

pub(super) fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { name: name.to_owned(), r#type: 1, f: value, ..AttributeProto::default() }
}

pub(super) fn string(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: 3,
        s: value.as_bytes().to_vec(),
        ..AttributeProto::default()
    }
}
