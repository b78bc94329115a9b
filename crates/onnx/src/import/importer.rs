//! An import: the inputs' shapes, and the walk over the nodes.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use tilewright_graph::{Graph, capture};
use tilewright_runtime::Context;
use tilewright_tensor::{DType, Tensor};

use super::node::is_byte;
use super::ports::{self, Imported, InputPort, OutputPort};
use super::value::{Constant, Value, Weights};
use super::walk::{Walk, missing};
use crate::element::ElementType;
use crate::error::{Error, Result, UnsupportedOperator};
use crate::model::{Dim, Model, Node, ValueInfo};
use crate::tensor::HostTensor;

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
    /// operands do not depend on what the model is run on. Of If's graphs, only the one that is taken counts, at
    /// [`Self::graph`].
    #[must_use]
    pub fn unsupported(&self) -> Vec<UnsupportedOperator> {
        missing(
            self.model.nodes(),
            self.ports().filter_map(|input| Some(input.ok()?.0.name.as_str())).collect(),
        )
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
        let doubles = ports.iter().filter(|port| port.dtype == ElementType::F64).map(|port| &port.name);
        let doubles: Vec<_> = doubles.map(|name| format!("`{name}`")).collect();
        let warning = || {
            format!(
                "{} of type double: the device computes in f32, with 24 bits and numbers up to 3.4e38",
                doubles.join(", ")
            )
        };
        let warnings = (!doubles.is_empty()).then(warning).into_iter().collect();
        Ok(Imported { graph, inputs: ports, outputs, warnings })
    }

    /// The inputs that are given at each run, with their types and shapes.
    fn ports(&self) -> impl Iterator<Item = Result<(&'m ValueInfo, ElementType, Vec<usize>)>> {
        let open = self.model.inputs().filter(|input| !self.constants.contains_key(&input.name));
        open.map(|input| {
            let wrong = |reason: String| Error::Input { input: input.name.clone(), reason };
            let unread = || wrong(format!("its type, {}, is not read", input.type_name));
            let dtype = input.dtype.ok_or_else(unread)?;
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
        let mut walk = Walk::new(context, &self.weights, tensors.first().and_then(Tensor::trace));
        walk.weights(self.model.initializers());
        for input in self.model.inputs() {
            if let Some(value) = self.constants.get(&input.name) {
                walk.values.insert(&input.name, Value::Host(Rc::new(Constant::new(value.clone()))));
            }
        }
        for (port, tensor) in ports.iter().zip(tensors) {
            walk.values.insert(&port.name, Value::Device { tensor: tensor.clone(), dtype: port.dtype });
        }
        let read = self.model.nodes().iter().flat_map(Node::reads);
        for name in read.chain(self.model.outputs().iter().map(|output| &output.name)) {
            *walk.readers.entry(name).or_default() += 1;
        }
        walk.nodes(self.model.nodes(), true)?;
        let values = walk.values;
        let output = |info: &ValueInfo| match values.get(info.name.as_str()) {
            Some(Value::Host(constant)) if self.in_graph => {
                let tensor = constant.device(&format!("output `{}`", info.name), context)?;
                Ok(OutputValue::Device(info.name.clone(), constant.host().dtype(), tensor))
            }
            Some(Value::Host(constant)) => Ok(OutputValue::Host(info.name.clone(), constant.host().clone())),
            Some(Value::Device { tensor, dtype }) => {
                // The graph's outputs are f32 and i32.
                let tensor = if is_byte(tensor.dtype()) { tensor.cast(DType::I32)? } else { tensor.clone() };
                Ok(OutputValue::Device(info.name.clone(), *dtype, tensor))
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
