//! Inputs and outputs of the file: their names, order and types, which may be other ones than the device's.

use std::collections::HashSet;

use tilewright_graph::{Graph, ValueId};

use super::writer::{Writer, element_type, wide};
use crate::element::ElementType;
use crate::error::{Error, Result};
use crate::import::{InputPort, OutputPort};
use crate::proto::{
    AttributeProto, DimensionProto, DimensionValue, TensorShapeProto, TensorTypeProto, TypeProto,
    ValueInfoProto,
};
use crate::tensor::{Data, HostTensor};

/// The ports of a graph in the types of the device.
pub(super) fn of(graph: &Graph) -> (Vec<InputPort>, Vec<OutputPort>) {
    let input = |(name, id): &(String, ValueId)| InputPort {
        name: name.clone(),
        dtype: element_type(graph[*id].dtype),
        shape: graph[*id].shape.clone(),
    };
    let output = |(at, (name, id)): (usize, &(String, ValueId))| {
        OutputPort::computed(name.clone(), element_type(graph[*id].dtype), graph[*id].shape.clone(), at)
    };
    let inputs = graph.inputs().iter().map(input).collect();
    (inputs, graph.outputs().iter().enumerate().map(output).collect())
}

/// Names the inputs, and what nodes make for the outputs.
pub(super) fn begin(w: &mut Writer<'_>, inputs: &[InputPort], outputs: &[OutputPort]) -> Result<()> {
    let graph = w.graph;
    if inputs.len() != graph.inputs().len() {
        let reason = format!("{} ports for the {} inputs of the graph", inputs.len(), graph.inputs().len());
        return Err(Error::Input { input: String::new(), reason });
    }
    for port in inputs {
        take(w, &port.name, "an input")?;
    }
    let made = graph.makers();
    let mut names = HashSet::new();
    for port in outputs {
        let id = computed(graph, port)?;
        // An input that goes through is one value, and has one name.
        let passes = id.is_some_and(|id| passes_through(graph, inputs, port, id));
        if !names.insert(port.name()) || !passes {
            take(w, port.name(), "an output")?;
        }
        if let Some(id) = id.filter(|id| made.contains_key(id) && is_stored(graph, port, *id)) {
            w.wanted.entry(id).or_insert_with(|| port.name().to_owned());
        }
    }
    for (port, (_, id)) in inputs.iter().zip(graph.inputs()) {
        let stored = element_type(graph[*id].dtype);
        let name = if port.dtype == stored {
            port.name.clone()
        } else {
            w.scope.clone_from(&port.name);
            w.emit("Cast", &[&port.name], vec![to(stored)])
        };
        w.names.insert(*id, name);
    }
    Ok(())
}

fn take(w: &mut Writer<'_>, name: &str, second: &str) -> Result<()> {
    if name.is_empty() {
        let reason = "it has no name, and ONNX takes an empty one for what is left out".to_owned();
        return Err(Error::Input { input: format!("({second})"), reason });
    }
    if w.taken.insert(name.to_owned()) {
        return Ok(());
    }
    let (name, first) = (name.to_owned(), "another input or output".to_owned());
    Err(Error::DuplicateName { name, first, second: second.to_owned() })
}

/// The graph's value of an output, if it is computed.
fn computed(graph: &Graph, port: &OutputPort) -> Result<Option<ValueId>> {
    let Some(at) = port.graph_output() else { return Ok(None) };
    let missing =
        || Error::MissingValue { reader: "the graph's output".to_owned(), name: port.name().to_owned() };
    graph.outputs().get(at).map(|(_, id)| Some(*id)).ok_or_else(missing)
}

/// Whether the device's type of an output is the file's.
fn is_stored(graph: &Graph, port: &OutputPort, id: ValueId) -> bool {
    element_type(graph[id].dtype) == port.dtype()
}

/// Whether an output is an input of its own name and type.
fn passes_through(graph: &Graph, inputs: &[InputPort], port: &OutputPort, id: ValueId) -> bool {
    let same = |(input, (_, other)): (&InputPort, &(String, ValueId))| {
        *other == id && input.name == port.name() && input.dtype == port.dtype()
    };
    inputs.iter().zip(graph.inputs()).any(same)
}

fn to(dtype: ElementType) -> AttributeProto {
    AttributeProto {
        name: "to".to_owned(),
        r#type: 2,
        i: i64::from(dtype.number()),
        ..AttributeProto::default()
    }
}

/// Inputs and outputs. An output that no node makes, or that has a second name, becomes one of Identity; one of another
/// type than the device's becomes one of Cast.
pub(super) fn finish(
    w: &mut Writer<'_>,
    inputs: &[InputPort],
    outputs: &[OutputPort],
) -> Result<(Vec<ValueInfoProto>, Vec<ValueInfoProto>)> {
    let graph = w.graph;
    for port in outputs {
        let id = computed(graph, port)?;
        if let Some(id) = id
            && (w.wanted.get(&id).is_some_and(|wanted| wanted == port.name())
                || passes_through(graph, inputs, port, id))
        {
            continue;
        }
        let (source, stored) = match id {
            Some(id) => (value(w, port, id)?, is_stored(graph, port, id)),
            None => (known(w, port)?, true),
        };
        w.scope = port.name().to_owned();
        if stored {
            w.emit("Identity", &[&source], vec![]);
        } else {
            w.emit("Cast", &[&source], vec![to(port.dtype())]);
        }
        if let Some(output) = w.nodes.last_mut().and_then(|last| last.output.first_mut()) {
            *output = port.name().to_owned();
        }
    }
    // Tables of weights have become attributes or matrices.
    let read: HashSet<&str> = w.nodes.iter().flat_map(|node| &node.input).map(String::as_str).collect();
    w.initializers.retain(|tensor| read.contains(tensor.name.as_str()));
    let inputs = inputs.iter().map(|port| info(&port.name, port.dtype, &port.shape));
    let outputs = outputs.iter().map(|port| info(port.name(), port.dtype(), port.shape()));
    Ok((inputs.collect(), outputs.collect()))
}

/// The name of a value of the graph that an output has.
fn value(w: &mut Writer<'_>, port: &OutputPort, id: ValueId) -> Result<String> {
    if let Some(source) = w.names.get(&id) {
        return Ok(source.clone());
    }
    let Some(tensor) = w.graph[id].constant.clone() else {
        let reader = "the graph's output".to_owned();
        return Err(Error::MissingValue { reader, name: port.name().to_owned() });
    };
    let source = w.unique(&format!("{}.value", port.name()));
    w.initializer(&source, &tensor)?;
    w.names.insert(id, source.clone());
    Ok(source)
}

/// The name of an output that does not depend on the inputs, now an initializer.
fn known(w: &mut Writer<'_>, port: &OutputPort) -> Result<String> {
    let source = w.unique(&format!("{}.value", port.name()));
    if let Some(known) = port.known() {
        let bytes = bytes(known).ok_or_else(|| Error::Unsupported {
            place: format!("output `{}`", port.name()),
            what: format!("writing elements of type {}", known.dtype()),
        })?;
        w.raw(&source, known.shape(), known.dtype(), bytes);
    }
    Ok(source)
}

/// The elements as the format has them.
fn bytes(tensor: &HostTensor) -> Option<Vec<u8>> {
    macro_rules! little_endian {
        ($values:expr) => {
            $values.iter().flat_map(|value| value.to_le_bytes()).collect()
        };
    }
    Some(match tensor.data() {
        Data::F32(values) => little_endian!(values),
        Data::F64(values) => little_endian!(values),
        Data::F16(values) => little_endian!(values),
        Data::BF16(values) => little_endian!(values),
        Data::I64(values) => little_endian!(values),
        Data::U64(values) => little_endian!(values),
        Data::I32(values) => little_endian!(values),
        Data::U32(values) => little_endian!(values),
        Data::I16(values) => little_endian!(values),
        Data::U16(values) => little_endian!(values),
        Data::I8(values) => little_endian!(values),
        Data::U8(values) => values.clone(),
        Data::Bool(values) => values.iter().map(|&value| u8::from(value)).collect(),
        _ => return None,
    })
}

fn info(name: &str, dtype: ElementType, shape: &[usize]) -> ValueInfoProto {
    let dim = |&extent: &usize| DimensionProto { value: Some(DimensionValue::Extent(wide(extent))) };
    let shape = Some(TensorShapeProto { dim: shape.iter().map(dim).collect() });
    let tensor_type = Some(TensorTypeProto { elem_type: dtype.number(), shape });
    let kind = TypeProto { tensor_type, ..TypeProto::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(kind) }
}
