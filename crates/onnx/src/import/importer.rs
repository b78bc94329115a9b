//! An import: the inputs' shapes, and the walk over the nodes.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use tilewright_graph::{Graph, capture};
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

use super::node::Ctx;
use super::operators::find;
use super::ports::{self, Imported, InputPort, OutputPort};
use super::run::run;
use super::value::{Constant, Value, Weights};
use crate::element::ElementType;
use crate::error::{Error, Result, UnsupportedOperator};
use crate::host::call::Call;
use crate::model::{Dim, Model, ValueInfo};
use crate::table::operator::Operator;
use crate::tensor::HostTensor;

/// The most bytes of constants that are computed on the host in one import.
const BUDGET: usize = 1 << 30;

/// An import that is being described: which shapes the inputs have.
#[derive(Clone, Debug)]
pub struct Import<'m> {
    model: &'m Model,
    shapes: HashMap<String, Vec<usize>>,
    extents: HashMap<String, usize>,
    constants: HashMap<String, HostTensor>,
    weights: Arc<Weights>,
    in_graph: bool,
}

impl<'m> Import<'m> {
    /// An import of `model` with the shapes that its file says.
    #[must_use]
    pub fn new(model: &'m Model) -> Self {
        let (shapes, extents, constants) = Default::default();
        Self { model, shapes, extents, constants, weights: Arc::default(), in_graph: false }
    }

    /// The shape of an input.
    #[must_use]
    pub fn shape(mut self, input: &str, shape: &[usize]) -> Self {
        self.shapes.insert(input.to_owned(), shape.to_vec());
        self
    }

    /// The extent that a name in the inputs' shapes stands for, such as `batch`.
    #[must_use]
    pub fn extent(mut self, name: &str, extent: usize) -> Self {
        self.extents.insert(name.to_owned(), extent);
        self
    }

    /// The value of an input, once and for all: what only says how to compute (a target shape, scales) must be known.
    #[must_use]
    pub fn constant(mut self, input: &str, value: HostTensor) -> Self {
        self.constants.insert(input.to_owned(), value);
        self
    }

    /// Where the weights on the device are kept, and taken from if they are there: of one model and one context.
    #[must_use]
    pub fn weights(mut self, weights: &Arc<Weights>) -> Self {
        self.weights = weights.clone();
        self
    }

    /// Makes outputs that do not depend on the inputs outputs of the graph too, as constants in the device's types. Without
    /// it they are [`OutputPort::known`] alone.
    #[must_use]
    pub fn constants_in_graph(mut self) -> Self {
        self.in_graph = true;
        self
    }

    /// The operators that nothing here computes, with their nodes. What is known on the host counts only where its
    /// operands do not depend on what the model is run on.
    #[must_use]
    pub fn unsupported(&self) -> Vec<UnsupportedOperator> {
        let mut running: HashSet<&str> =
            self.ports().filter_map(|input| Some(input.ok()?.0.name.as_str())).collect();
        let mut missing: Vec<UnsupportedOperator> = vec![];
        for node in self.model.nodes() {
            let runs = node.inputs.iter().any(|input| running.contains(input.as_str()));
            let reason = match find(node, self.model.opset(&node.domain).unwrap_or(0)) {
                _ if !runs && Call::known(node) => continue,
                Ok(operator) => {
                    // A shape is known whatever the values are.
                    if runs && !matches!(operator, Operator::Shape | Operator::Size) {
                        running.extend(node.outputs.iter().map(String::as_str));
                    }
                    continue;
                }
                Err(_) if Call::known(node) => {
                    Some("only of constants; here it depends on what the model is run on".to_owned())
                }
                Err(reason) => reason,
            };
            running.extend(node.outputs.iter().map(String::as_str));
            let operator = node.operator();
            match missing.iter_mut().find(|other| other.operator == operator && other.reason == reason) {
                Some(known) => known.nodes.push(node.place()),
                None => missing.push(UnsupportedOperator { operator, reason, nodes: vec![node.place()] }),
            }
        }
        missing
    }

    /// The graph.
    ///
    /// # Errors
    /// [`Error::UnsupportedOperators`] with all of them; [`Error::Input`] for an input whose shape is open or is another
    /// one; and what is wrong with a node, by its name.
    pub fn graph(&self, context: &Context) -> Result<Imported> {
        let inputs = self.ports().collect::<Result<Vec<_>>>()?;
        let operators = self.unsupported();
        if !operators.is_empty() {
            return Err(Error::UnsupportedOperators { operators });
        }
        let ports: Vec<InputPort> = inputs
            .iter()
            .map(|(info, dtype, shape)| InputPort {
                name: info.name.clone(),
                dtype: *dtype,
                shape: shape.clone(),
            })
            .collect();
        let symbols: Vec<_> = ports
            .iter()
            .map(|port| (port.name.as_str(), &port.shape[..], ports::storage(port.dtype)))
            .collect();
        let mut outcome = None;
        let captured = capture(context, &symbols, |tensors| {
            let walked = self.walk(context, &ports, tensors);
            let named = match &walked {
                Ok(outputs) => outputs.iter().filter_map(OutputValue::named).collect(),
                Err(_) => vec![],
            };
            outcome = Some(walked);
            Ok::<_, tilewright_tensor::Error>(named)
        });
        let outputs = match outcome {
            Some(Err(error)) => return Err(error),
            Some(Ok(outputs)) => outputs,
            None => vec![],
        };
        let graph: Graph = captured?;
        let mut at = 0;
        let outputs = outputs.into_iter().map(|output| match output {
            OutputValue::Host(name, value) => OutputPort::constant(name, value),
            OutputValue::Device(name, dtype, tensor) => {
                at += 1;
                OutputPort::computed(name, dtype, tensor.shape().to_vec(), at - 1)
            }
        });
        let outputs = outputs.collect();
        Ok(Imported { graph, inputs: ports, outputs })
    }

    /// The inputs that are given at each run, with their types and shapes.
    fn ports(&self) -> impl Iterator<Item = Result<(&'m ValueInfo, ElementType, Vec<usize>)>> {
        let open = self.model.inputs().filter(|input| !self.constants.contains_key(&input.name));
        open.map(|input| {
            let wrong = |reason: String| Error::Input { input: input.name.clone(), reason };
            let unread = || wrong(format!("its type, {}, is not read", input.type_name));
            let dtype = input.dtype.ok_or_else(unread)?;
            if !ports::can_hold(dtype) {
                return Err(Error::Unsupported {
                    place: format!("input `{}`", input.name),
                    what: format!("type {dtype} of what the model is run on"),
                });
            }
            let shape = self.input_shape(input).map_err(wrong)?;
            Ok((input, dtype, shape))
        })
    }

    fn input_shape(&self, input: &ValueInfo) -> std::result::Result<Vec<usize>, String> {
        let given = self.shapes.get(&input.name);
        let Some(dims) = &input.shape else {
            return given
                .cloned()
                .ok_or_else(|| "its rank is open; give its shape with `Import::shape`".into());
        };
        let mut shape = Vec::with_capacity(dims.len());
        for (axis, dim) in dims.iter().enumerate() {
            let given = given.and_then(|given| given.get(axis).copied());
            let said = match dim {
                Dim::Extent(extent) => Some(*extent),
                Dim::Name(name) => self.extents.get(name).copied(),
                Dim::Open => None,
            };
            shape.push(match (given, said) {
                (Some(given), Some(said)) if given != said => {
                    return Err(format!("axis {axis} was given {given}, and the model says {said}"));
                }
                (Some(extent), _) | (None, Some(extent)) => extent,
                (None, None) => {
                    let dims: Vec<_> = dims.iter().map(Dim::to_string).collect();
                    return Err(format!(
                        "axis {axis} of its shape [{}] is open; give it with `Import::shape` or `Import::extent`",
                        dims.join(", ")
                    ));
                }
            });
        }
        if let Some(given) = given.filter(|given| given.len() != dims.len()) {
            return Err(format!("it has {} axes, and the shape {given:?} was given", dims.len()));
        }
        Ok(shape)
    }

    /// Runs every node.
    fn walk(&self, context: &Context, ports: &[InputPort], tensors: &[Tensor]) -> Result<Vec<OutputValue>> {
        let mut values: HashMap<&str, Value> = HashMap::new();
        for (name, tensor) in self.model.initializers() {
            values.insert(name, Value::Host(Rc::new(Constant::weight(name, tensor, &self.weights))));
        }
        for input in self.model.inputs() {
            if let Some(value) = self.constants.get(&input.name) {
                values.insert(&input.name, Value::Host(Rc::new(Constant::new(value.clone()))));
            }
        }
        for (port, tensor) in ports.iter().zip(tensors) {
            values.insert(&port.name, Value::Device { tensor: tensor.clone(), dtype: port.dtype });
        }
        let trace = tensors.first().and_then(Tensor::trace);
        let mut readers: HashMap<&str, usize> = HashMap::new();
        let read = self.model.nodes().iter().flat_map(|node| &node.inputs);
        for name in read.chain(self.model.outputs().iter().map(|output| &output.name)) {
            *readers.entry(name).or_default() += 1;
        }
        let mut budget = BUDGET;
        for node in self.model.nodes() {
            if let Some(trace) = &trace {
                trace.set_scope(if node.name.is_empty() {
                    node.outputs.first().map_or("", |o| o)
                } else {
                    &node.name
                });
            }
            let opset = self.model.opset(&node.domain).unwrap_or(0);
            let inputs =
                (0..node.inputs.len()).map(|at| node.input(at).and_then(|name| values.get(name)).cloned());
            let ctx = Ctx { node, opset, inputs: inputs.collect(), context, model: self.model };
            let results = run(&ctx, &mut budget)?;
            // What nobody reads any more needs no room.
            for input in node.inputs.iter().filter(|input| !input.is_empty()) {
                if let Some(left) = readers.get_mut(input.as_str()) {
                    *left -= 1;
                    if *left == 0 {
                        values.remove(input.as_str());
                    }
                }
            }
            if results.len() < node.outputs.iter().filter(|output| !output.is_empty()).count() {
                let what = format!("{} results where {} are read", results.len(), node.outputs.len());
                return Err(Error::Unsupported { place: node.place(), what });
            }
            values.extend(node.outputs.iter().map(String::as_str).zip(results));
        }
        let output = |info: &ValueInfo| match values.get(info.name.as_str()) {
            Some(Value::Host(constant)) if self.in_graph => {
                let tensor = constant.device(&format!("output `{}`", info.name), context)?;
                Ok(OutputValue::Device(info.name.clone(), constant.host().dtype(), tensor))
            }
            Some(Value::Host(constant)) => Ok(OutputValue::Host(info.name.clone(), constant.host().clone())),
            Some(Value::Device { tensor, dtype }) => {
                Ok(OutputValue::Device(info.name.clone(), *dtype, tensor.clone()))
            }
            Some(Value::MaxIndices(indices)) => {
                let whole = indices.whole(&format!("output `{}`", info.name), context)?;
                Ok(OutputValue::Device(info.name.clone(), ElementType::I64, whole))
            }
            None => {
                let reader = "the graph's output".to_owned();
                Err(Error::MissingValue { reader, name: info.name.clone() })
            }
        };
        self.model.outputs().iter().map(output).collect()
    }
}

/// An output as the walk left it.
enum OutputValue {
    Host(String, HostTensor),
    Device(String, ElementType, Tensor),
}

impl OutputValue {
    fn named(&self) -> Option<(String, Tensor)> {
        match self {
            Self::Host(..) => None,
            Self::Device(name, _, tensor) => Some((name.clone(), tensor.clone())),
        }
    }
}
