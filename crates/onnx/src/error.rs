//! What can go wrong between a file and a graph, each saying where it is.

use std::path::PathBuf;

use crate::element::ElementType;

/// An error of this crate. It names the file, tensor, value or node that it is about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read {path}: {source}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The bytes are no ONNX model.
    #[error("{what} is not an ONNX model, or is cut short ({source}); export or fetch it again")]
    Decode {
        /// The file, or `the bytes`.
        what: String,
        /// What the decoder said.
        source: prost::DecodeError,
    },
    /// The bytes decode to a model without a graph, as an empty file does.
    #[error("{what} contains no graph; is it an ONNX model?")]
    NoGraph {
        /// The file, or `the bytes`.
        what: String,
    },
    /// The model names no operator set for a domain that it uses.
    #[error("the model imports no operator set for domain `{domain}`; its exporter must write opset_import")]
    NoOpset {
        /// The domain; empty for the standard operators.
        domain: String,
    },
    /// The operator set is outside what is read.
    #[error(
        "the model uses operator set {version} of domain `{domain}`; {known} are read, convert it or export it again"
    )]
    Opset {
        /// The domain; empty for the standard operators.
        domain: String,
        /// Its version.
        version: i64,
        /// The versions read.
        known: &'static str,
    },
    /// A tensor's type is none that is read.
    #[error("{tensor} has element type {name} (number {number} of the format), which is not read")]
    ElementType {
        /// The tensor.
        tensor: String,
        /// The number in the file.
        number: i32,
        /// Its name in the specification, if it has one.
        name: &'static str,
    },
    /// A tensor's extents are negative, or multiply to more than memory holds.
    #[error("{tensor} has extents {dims:?}, which no tensor can have")]
    Dims {
        /// The tensor.
        tensor: String,
        /// The extents in the file.
        dims: Vec<i64>,
    },
    /// A tensor's data do not fill its shape.
    #[error(
        "{tensor} of shape {shape:?} and type {dtype} needs {expected}, and the file holds {found}; export it again"
    )]
    DataLength {
        /// The tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Its type.
        dtype: ElementType,
        /// How much there should be.
        expected: String,
        /// How much there is.
        found: String,
    },
    /// A value does not fit the type that holds it.
    #[error(
        "{place}: the {dtype} value {value} does not fit {held}; give it as a smaller number, or what reads it as a constant"
    )]
    Range {
        /// The tensor, or the node that reads it.
        place: String,
        /// Its type in the file.
        dtype: ElementType,
        /// The value.
        value: i128,
        /// What should hold it.
        held: &'static str,
    },
    /// External data cannot be had.
    #[error("the external data of {tensor} at `{location}` cannot be read: {reason}")]
    ExternalData {
        /// The tensor.
        tensor: String,
        /// What the model says.
        location: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An attribute is missing or has another type or value than its operator takes.
    #[error("{node}: attribute `{attribute}` {reason}")]
    Attribute {
        /// The node.
        node: String,
        /// The attribute.
        attribute: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A name is given to two values.
    #[error("the value `{name}` is produced by both {first} and {second}; ONNX names are unique")]
    DuplicateName {
        /// The name.
        name: String,
        /// Who makes it.
        first: String,
        /// Who makes it again.
        second: String,
    },
    /// A node reads what nothing makes.
    #[error("{reader} reads `{name}`, which no input, initializer or node produces")]
    MissingValue {
        /// The node, or `the graph's output`.
        reader: String,
        /// The value.
        name: String,
    },
    /// Nodes wait for each other.
    #[error("the graph has a cycle through {}", .nodes.join(", "))]
    Cycle {
        /// Nodes on the cycle, at most eight of them.
        nodes: Vec<String>,
    },
    /// Something of the format that is not read, with where it is.
    #[error("{place}: {what} is not supported")]
    Unsupported {
        /// The node, tensor or value.
        place: String,
        /// What it wants.
        what: String,
    },
    /// Operators that are not supported, all of them.
    #[error("{} of the model's operators are not supported: {}", .operators.len(), listed(.operators))]
    UnsupportedOperators {
        /// Each with its nodes.
        operators: Vec<UnsupportedOperator>,
    },
    /// A node has another number of operands or results than its operator takes.
    #[error("{node}: {reason}")]
    Node {
        /// The node.
        node: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value must be known when the model is imported, and is not.
    #[error(
        "{node}: the value of `{value}` must be known at import, but depends on the model's input; give it with `Import::constant` if it is an input"
    )]
    NotConstant {
        /// The node.
        node: String,
        /// The value.
        value: String,
    },
    /// A tensor that import would make on the host is too large.
    #[error("{node}: would create {elements} elements at import; the limit is {limit}")]
    TooLarge {
        /// The node.
        node: String,
        /// Its elements.
        elements: u128,
        /// The most.
        limit: usize,
    },
    /// An operation does not fit what the node gives it, or the device cannot run it.
    #[error("{node}: {source}")]
    Tensor {
        /// The node.
        node: String,
        /// Why.
        source: Box<tilewright_tensor::Error>,
    },
    /// The graph could not be made or run.
    #[error(transparent)]
    Graph(#[from] tilewright_graph::Error),
    /// A node of a graph has no counterpart in ONNX.
    #[error("node `{node}` ({op}) cannot be written as ONNX: {reason}")]
    Export {
        /// The node.
        node: String,
        /// Its operation.
        op: &'static str,
        /// What ONNX lacks.
        reason: String,
    },
    /// A graph does not fit an ONNX file.
    #[error("the model takes {bytes} bytes, and a protobuf message at most 2 GiB; split the model in two")]
    TooLargeToExport {
        /// Its size.
        bytes: usize,
    },
    /// An input of the model has no shape, or none that fits what the model says.
    #[error("input `{input}`: {reason}")]
    Input {
        /// The input.
        input: String,
        /// What is wrong.
        reason: String,
    },
}

impl From<tilewright_tensor::Error> for Error {
    /// The node is filled in where it is known.
    fn from(source: tilewright_tensor::Error) -> Self {
        Self::Tensor { node: String::new(), source: Box::new(source) }
    }
}

/// An operator that is not supported, and who uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedOperator {
    /// The operator, with its domain if it is not a standard one.
    pub operator: String,
    /// Why, where it is known under other circumstances.
    pub reason: Option<String>,
    /// The nodes that use it.
    pub nodes: Vec<String>,
}

fn listed(operators: &[UnsupportedOperator]) -> String {
    let each = operators.iter().map(|found| {
        let reason = found.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
        // A network of quantised operators has hundreds of one name.
        match &found.nodes[..] {
            [first, _, _, _, ..] => {
                format!("{}{reason} at {} nodes, the first {first}", found.operator, found.nodes.len())
            }
            few => format!("{}{reason} at {}", found.operator, few.join(", ")),
        }
    });
    each.collect::<Vec<_>>().join("; ")
}

/// What every fallible call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;
