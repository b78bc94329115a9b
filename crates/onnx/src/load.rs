//! From bytes to a checked [`Model`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use prost::Message;

use crate::attributes::{Attribute, Attributes};
use crate::decode;
use crate::element::ElementType;
use crate::error::{Error, Result};
use crate::external::External;
use crate::model::{Dim, Model, Node, ValueInfo, place};
use crate::order;
use crate::proto::{DimensionValue, GraphProto, ModelProto, NodeProto, ValueInfoProto};

/// The standard operator sets that are read. Versions before 7 are read as far as an operator has not changed since.
const OPSETS: std::ops::RangeInclusive<i64> = 1..=22;

impl Model {
    /// Reads a model, with external data from its folder.
    ///
    /// # Errors
    /// What is wrong with the file, by name.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::Io { path: path.to_path_buf(), source })?;
        Self::decode(&path.display().to_string(), &bytes, &External::beside(path))
    }

    /// Reads a model from memory. External data need [`Self::load`].
    ///
    /// # Errors
    /// What is wrong with the bytes, by name.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::decode("the bytes", bytes, &External::nowhere())
    }

    fn decode(what: &str, bytes: &[u8], external: &External) -> Result<Self> {
        let proto =
            ModelProto::decode(bytes).map_err(|source| Error::Decode { what: what.to_owned(), source })?;
        let graph = proto.graph.ok_or_else(|| Error::NoGraph { what: what.to_owned() })?;
        let mut opsets = BTreeMap::new();
        for opset in proto.opset_import {
            let domain = standard(&opset.domain);
            if domain.is_empty() && !OPSETS.contains(&opset.version) {
                let known = "1 to 22";
                return Err(Error::Opset { domain: opset.domain, version: opset.version, known });
            }
            opsets.insert(domain.to_owned(), opset.version);
        }
        let producer = format!("{} {}", proto.producer_name, proto.producer_version).trim().to_owned();
        checked(graph, opsets, producer, external)
    }
}

/// The standard domain has two names.
fn standard(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}

fn checked(
    graph: GraphProto,
    opsets: BTreeMap<String, i64>,
    producer: String,
    external: &External,
) -> Result<Model> {
    if let Some(sparse) = graph.sparse_initializer.first() {
        let name = sparse.values.as_ref().map_or("", |values| &values.name);
        return Err(unsupported(&format!("initializer `{name}`"), "a sparse tensor"));
    }
    let inputs: Vec<ValueInfo> = graph.input.into_iter().map(value_info).collect();
    let outputs: Vec<ValueInfo> = graph.output.into_iter().map(value_info).collect();
    let mut initializers = HashMap::with_capacity(graph.initializer.len());
    for proto in graph.initializer {
        let name = proto.name.clone();
        let place = format!("initializer `{name}`");
        let tensor = decode::tensor(&place, proto, external)?;
        if initializers.insert(name.clone(), Arc::new(tensor)).is_some() {
            return Err(Error::DuplicateName { name, first: place.clone(), second: place });
        }
    }
    let mut nodes = Vec::with_capacity(graph.node.len());
    for proto in graph.node {
        nodes.push(node(proto, &opsets, external)?);
    }
    let makers = makers(&inputs, &initializers, &nodes)?;
    for node in &nodes {
        for input in node.inputs.iter().filter(|input| !input.is_empty()) {
            if !makers.contains_key(input.as_str()) {
                return Err(Error::MissingValue { reader: node.place(), name: input.clone() });
            }
        }
    }
    for output in &outputs {
        if !makers.contains_key(output.name.as_str()) {
            return Err(Error::MissingValue {
                reader: "the graph's output".to_owned(),
                name: output.name.clone(),
            });
        }
    }
    let order = order::sorted(&nodes)?;
    let mut slots: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
    let nodes = order.into_iter().filter_map(|at| slots.get_mut(at).and_then(Option::take)).collect();
    Ok(Model { producer, opsets, nodes, inputs, outputs, initializers })
}

fn node(proto: NodeProto, opsets: &BTreeMap<String, i64>, external: &External) -> Result<Node> {
    let place = place(&proto.op_type, &proto.name, &proto.output);
    let domain = standard(&proto.domain);
    if !opsets.contains_key(domain) {
        return Err(Error::NoOpset { domain: domain.to_owned() });
    }
    let mut by_name = BTreeMap::new();
    for attribute in proto.attribute {
        let name = attribute.name.clone();
        let value = Attribute::decode(&place, attribute, external)?;
        if by_name.insert(name.clone(), value).is_some() {
            let reason = "is given twice".to_owned();
            return Err(Error::Attribute { node: place, attribute: name, reason });
        }
    }
    Ok(Node {
        attributes: Attributes::new(place, by_name),
        domain: domain.to_owned(),
        name: proto.name,
        op_type: proto.op_type,
        inputs: proto.input,
        outputs: proto.output,
    })
}

/// Who makes each value. An initializer may give an input its default.
fn makers<'a>(
    inputs: &'a [ValueInfo],
    initializers: &'a HashMap<String, Arc<crate::tensor::HostTensor>>,
    nodes: &'a [Node],
) -> Result<HashMap<&'a str, String>> {
    let twice = |name: &str, first: String, second: String| Error::DuplicateName {
        name: name.to_owned(),
        first,
        second,
    };
    let mut makers: HashMap<&str, String> = HashMap::new();
    let mut names = HashSet::new();
    for input in inputs {
        if !names.insert(input.name.as_str()) {
            let place = "an input".to_owned();
            return Err(twice(&input.name, place.clone(), place));
        }
        makers.insert(&input.name, "an input".to_owned());
    }
    for name in initializers.keys() {
        makers.insert(name, "an initializer".to_owned());
    }
    for node in nodes {
        for output in node.outputs.iter().filter(|output| !output.is_empty()) {
            if let Some(first) = makers.insert(output, node.place()) {
                return Err(twice(output, first, node.place()));
            }
        }
    }
    Ok(makers)
}

fn value_info(proto: ValueInfoProto) -> ValueInfo {
    let kind = proto.r#type.unwrap_or_default();
    let other = [
        ("sequence", kind.sequence_type.is_some()),
        ("map", kind.map_type.is_some()),
        ("sparse tensor", kind.sparse_tensor_type.is_some()),
        ("optional", kind.optional_type.is_some()),
    ];
    let other = other.into_iter().find(|(_, is)| *is).map_or("undefined", |(name, _)| name);
    let tensor = kind.tensor_type;
    let dtype = tensor.as_ref().map_or(Err(other), |tensor| ElementType::from_number(tensor.elem_type));
    let type_name = dtype.map_or_else(|name| name, ElementType::name);
    let dtype = dtype.ok();
    let shape = tensor.and_then(|tensor| tensor.shape).map(|shape| {
        let dims = shape.dim.into_iter().map(|dim| match dim.value {
            // Some exporters write an open extent as −1.
            Some(DimensionValue::Extent(extent)) => usize::try_from(extent).map_or(Dim::Open, Dim::Extent),
            Some(DimensionValue::Name(name)) if name.is_empty() || name == "?" => Dim::Open,
            Some(DimensionValue::Name(name)) => Dim::Name(name),
            None => Dim::Open,
        });
        dims.collect()
    });
    ValueInfo { name: proto.name, dtype, type_name, shape }
}

fn unsupported(place: &str, what: &str) -> Error {
    Error::Unsupported { place: place.to_owned(), what: what.to_owned() }
}
