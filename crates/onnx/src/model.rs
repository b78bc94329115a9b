//! A model as read from a file: typed, checked, its nodes sorted.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use crate::attributes::Attributes;
use crate::element::ElementType;
use crate::error::Error;
use crate::tensor::HostTensor;

/// A checked model. Every name that a node reads is made before it, once.
#[derive(Clone, Debug)]
pub struct Model {
    pub(crate) producer: String,
    pub(crate) opsets: BTreeMap<String, i64>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) inputs: Vec<ValueInfo>,
    pub(crate) outputs: Vec<ValueInfo>,
    pub(crate) initializers: HashMap<String, Arc<HostTensor>>,
}

impl Model {
    /// The program that wrote it, with its version.
    #[must_use]
    pub fn producer(&self) -> &str {
        &self.producer
    }

    /// The version of a domain's operators; the empty domain is the standard one.
    #[must_use]
    pub fn opset(&self, domain: &str) -> Option<i64> {
        self.opsets.get(domain).copied()
    }

    /// The nodes, each after those whose results it reads.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What must be given: the graph's inputs without those that have an initializer.
    pub fn inputs(&self) -> impl Iterator<Item = &ValueInfo> {
        self.inputs.iter().filter(|input| !self.initializers.contains_key(&input.name))
    }

    /// What it gives.
    #[must_use]
    pub fn outputs(&self) -> &[ValueInfo] {
        &self.outputs
    }

    /// The weights by name.
    #[must_use]
    pub fn initializers(&self) -> &HashMap<String, Arc<HostTensor>> {
        &self.initializers
    }
}

/// One call of an operator.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its own name, which may be empty.
    pub name: String,
    /// The operator.
    pub op_type: String,
    /// Whose operator it is; empty for the standard ones.
    pub domain: String,
    /// The names of its operands; an empty one is an optional operand left out.
    pub inputs: Vec<String>,
    /// The names of its results; an empty one is not wanted.
    pub outputs: Vec<String>,
    /// Its parameters.
    pub attributes: Attributes,
    /// The version of its operator set: a function may use another than the graph that calls it.
    pub opset: i64,
    /// The graphs among its parameters, of If alone, by name.
    pub(crate) bodies: BTreeMap<String, Body>,
    /// The names that its bodies read and do not make.
    pub(crate) captures: Vec<String>,
}

/// A graph inside a node. It sees the names around it; its own are made nowhere else in the model.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    pub(crate) nodes: Vec<Node>,
    pub(crate) outputs: Vec<String>,
    pub(crate) initializers: HashMap<String, Arc<HostTensor>>,
}

impl Body {
    /// The names that it makes, without those of the bodies of its nodes.
    pub(crate) fn made(&self) -> impl Iterator<Item = &String> {
        let results = self.nodes.iter().flat_map(|node| &node.outputs).filter(|name| !name.is_empty());
        self.initializers.keys().chain(results)
    }

    /// The names that it reads and does not make.
    pub(crate) fn free(&self) -> Vec<String> {
        let made: HashSet<&String> = self.made().collect();
        let read = self.nodes.iter().flat_map(Node::reads).chain(&self.outputs);
        read.filter(|name| !made.contains(name)).cloned().collect()
    }
}

impl Node {
    /// The node as errors name it: by its name, or by its first result.
    #[must_use]
    pub fn place(&self) -> String {
        place(&self.op_type, &self.name, &self.outputs)
    }

    /// The operator, with its domain if it is not a standard one.
    #[must_use]
    pub fn operator(&self) -> String {
        if self.domain.is_empty() {
            self.op_type.clone()
        } else {
            format!("{}.{}", self.domain, self.op_type)
        }
    }

    /// What is wrong with this node.
    pub(crate) fn wrong(&self, reason: impl Into<String>) -> Error {
        Error::Node { node: self.place(), reason: reason.into() }
    }

    /// Every name that it reads, its bodies' too.
    pub(crate) fn reads(&self) -> impl Iterator<Item = &String> {
        self.inputs.iter().filter(|name| !name.is_empty()).chain(&self.captures)
    }

    /// Whether it is the standard operator that runs one of two graphs.
    pub(crate) fn is_if(&self) -> bool {
        self.domain.is_empty() && self.op_type == "If"
    }

    /// The name of the operand at `index`, if it is there.
    #[must_use]
    pub fn input(&self, index: usize) -> Option<&str> {
        self.inputs.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }
}

/// A node as errors name it.
pub(crate) fn place(op_type: &str, name: &str, outputs: &[String]) -> String {
    match (name, outputs.iter().find(|output| !output.is_empty())) {
        ("", Some(output)) => format!("{op_type} node that makes `{output}`"),
        ("", None) => format!("{op_type} node without a name"),
        (name, _) => format!("{op_type} node `{name}`"),
    }
}

/// The name, type and shape of an input or output, as far as the file says them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueInfo {
    /// Its name.
    pub name: String,
    /// Its element type; `None` for a type that is not read and for what is no tensor.
    pub dtype: Option<ElementType>,
    /// The name of its type in the specification, also of one that is not read: `float`, `string`, `sequence`.
    pub type_name: &'static str,
    /// Its extents; `None` where even the rank is open.
    pub shape: Option<Vec<Dim>>,
}

/// An extent as a file says it. It is shown as its number, its name, or `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dim {
    /// A number.
    Extent(usize),
    /// A name; equal names have equal extents.
    Name(String),
    /// Nothing.
    Open,
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extent(extent) => write!(f, "{extent}"),
            Self::Name(name) => f.write_str(name),
            Self::Open => f.write_str("?"),
        }
    }
}
