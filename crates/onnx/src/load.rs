//! From bytes to a checked [`Model`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use prost::Message;

use crate::attributes::{Attribute, Attributes};
use crate::bodies;
use crate::decode;
use crate::element::ElementType;
use crate::error::{Error, Result};
use crate::external::External;
use crate::functions::{Call, CallBody, Expansion, Function, Key, Names};
use crate::model::{Body, Dim, Model, Node, ValueInfo, place};
use crate::order;
use crate::proto::{
    DimensionValue, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, SparseTensorProto,
    TensorProto, ValueInfoProto,
};
use crate::tensor::HostTensor;

/// The standard operator sets that are read. Versions before 7 are read as far as an operator has not changed since.
const OPSETS: std::ops::RangeInclusive<i64> = 1..=26;

/// Operator sets by domain.
type Opsets = BTreeMap<String, i64>;

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
        let opsets = opsets(proto.opset_import)?;
        let mut functions = HashMap::with_capacity(proto.functions.len());
        for one in proto.functions {
            let key = (standard(&one.domain).to_owned(), one.name.clone(), one.overload.clone());
            let place = format!("function `{}`", one.name);
            if functions.insert(key, function(one, &opsets, external)?).is_some() {
                let (name, first) = (place.clone(), place.clone());
                return Err(Error::DuplicateName { name, first, second: place });
            }
        }
        let producer = format!("{} {}", proto.producer_name, proto.producer_version).trim().to_owned();
        let mut model = checked(graph, opsets, &functions, external)?;
        model.producer = producer;
        Ok(model)
    }
}

/// The operator sets that a graph or a function is written in.
fn opsets(imports: Vec<OperatorSetIdProto>) -> Result<Opsets> {
    let mut opsets = BTreeMap::new();
    for opset in imports {
        let domain = standard(&opset.domain);
        if domain.is_empty() && !OPSETS.contains(&opset.version) {
            let known =
                "1 to 26 (in 27 and 28 Range, Mod, BitShift, SpaceToDepth and others mean something else)";
            return Err(Error::Opset { domain: opset.domain, version: opset.version, known });
        }
        opsets.insert(domain.to_owned(), opset.version);
    }
    Ok(opsets)
}

/// The standard domain has two names.
fn standard(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}

fn function(proto: FunctionProto, around: &Opsets, external: &External) -> Result<Function> {
    let mut opsets = opsets(proto.opset_import)?;
    for (domain, version) in around {
        opsets.entry(domain.clone()).or_insert(*version);
    }
    let place = format!("function `{}`", proto.name);
    let mut defaults = BTreeMap::new();
    for attribute in proto.attribute_proto {
        defaults.insert(attribute.name.clone(), Attribute::decode(&place, attribute, external)?);
    }
    Ok(Function {
        inputs: proto.input,
        outputs: proto.output,
        attributes: proto.attribute,
        defaults,
        opset: opsets.get("").copied().unwrap_or(*OPSETS.end()),
        nodes: calls(proto.node, &opsets, external)?,
    })
}

fn checked(
    graph: GraphProto,
    opsets: Opsets,
    functions: &HashMap<Key, Function>,
    external: &External,
) -> Result<Model> {
    let inputs: Vec<ValueInfo> = graph.input.into_iter().map(value_info).collect();
    let outputs: Vec<ValueInfo> = graph.output.into_iter().map(value_info).collect();
    let initializers = initializers(graph.initializer, &graph.sparse_initializer, external)?;
    let calls = calls(graph.node, &opsets, external)?;
    let mut names = Names::default();
    let results = calls.iter().flat_map(|call| &call.node.outputs);
    for name in inputs.iter().map(|input| &input.name).chain(initializers.keys()).chain(results) {
        names.take(name);
    }
    let mut expansion = Expansion { functions, names: &mut names, within: vec![], made: 0 };
    let mut nodes = expansion.all(&calls)?;
    for node in &nodes {
        if !opsets.contains_key(&node.domain) && node.opset == 0 {
            return Err(Error::NoOpset { domain: node.domain.clone() });
        }
    }
    bodies::settle(&mut nodes, &mut names)?;
    let makers = makers(&inputs, &initializers, &nodes)?;
    for node in &nodes {
        for input in node.reads() {
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
    order::sort(&mut nodes)?;
    Ok(Model { producer: String::new(), opsets, nodes, inputs, outputs, initializers })
}

fn initializers(
    tensors: Vec<TensorProto>,
    sparse: &[SparseTensorProto],
    external: &External,
) -> Result<HashMap<String, Arc<HostTensor>>> {
    if let Some(sparse) = sparse.first() {
        let name = sparse.values.as_ref().map_or("", |values| &values.name);
        return Err(unsupported(&format!("initializer `{name}`"), "a sparse tensor"));
    }
    let mut initializers = HashMap::with_capacity(tensors.len());
    for proto in tensors {
        let name = proto.name.clone();
        let place = format!("initializer `{name}`");
        let tensor = decode::tensor(&place, proto, external)?;
        if initializers.insert(name.clone(), Arc::new(tensor)).is_some() {
            return Err(Error::DuplicateName { name, first: place.clone(), second: place });
        }
    }
    Ok(initializers)
}

fn calls(nodes: Vec<NodeProto>, opsets: &Opsets, external: &External) -> Result<Vec<Call>> {
    nodes.into_iter().map(|proto| call(proto, opsets, external)).collect()
}

fn call(proto: NodeProto, opsets: &Opsets, external: &External) -> Result<Call> {
    let place = place(&proto.op_type, &proto.name, &proto.output);
    let domain = standard(&proto.domain);
    let conditional = domain.is_empty() && proto.op_type == "If";
    let (mut by_name, mut bodies) = (BTreeMap::new(), BTreeMap::new());
    for mut attribute in proto.attribute {
        let name = attribute.name.clone();
        if let Some(graph) = attribute.g.take_if(|_| conditional) {
            let body = Body {
                nodes: vec![],
                outputs: graph.output.into_iter().map(|output| output.name).collect(),
                initializers: initializers(graph.initializer, &graph.sparse_initializer, external)?,
            };
            bodies.insert(name.clone(), CallBody { nodes: calls(graph.node, opsets, external)?, body });
        }
        let value = Attribute::decode(&place, attribute, external)?;
        if by_name.insert(name.clone(), value).is_some() {
            let reason = "is given twice".to_owned();
            return Err(Error::Attribute { node: place, attribute: name, reason });
        }
    }
    let node = Node {
        attributes: Attributes::new(place, by_name),
        domain: domain.to_owned(),
        name: proto.name,
        op_type: proto.op_type,
        inputs: proto.input,
        outputs: proto.output,
        opset: opsets.get(domain).copied().unwrap_or(0),
        bodies: BTreeMap::new(),
        captures: vec![],
    };
    Ok(Call { node, overload: proto.overload, bodies })
}

/// Who makes each value. An initializer may give an input its default.
fn makers<'a>(
    inputs: &'a [ValueInfo],
    initializers: &'a HashMap<String, Arc<HostTensor>>,
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
