//! What goes in and comes out: ONNX's types at the ends, the device's inside.

use tilewright_graph::{Compiled, Graph};
use tilewright_runtime::Context;
use tilewright_tensor::{DType, Tensor};

use crate::element::ElementType;
use crate::error::{Error, Result};
use crate::tensor::{Data, HostTensor, Numbers};

/// A model as a graph.
pub struct Imported {
    /// The graph. Its inputs are [`Self::inputs`] in order, its outputs those of [`Self::outputs`] that are computed.
    pub graph: Graph,
    /// What is given at each run.
    pub inputs: Vec<InputPort>,
    /// What comes out, in the model's order.
    pub outputs: Vec<OutputPort>,
    /// What whoever runs it should know: that doubles are computed as f32.
    pub warnings: Vec<String>,
}

/// An input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputPort {
    /// Its name.
    pub name: String,
    /// Its type in the model.
    pub dtype: ElementType,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// An output.
#[derive(Clone, Debug)]
pub struct OutputPort {
    name: String,
    dtype: ElementType,
    shape: Vec<usize>,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Constant(HostTensor),
    Computed(usize),
}

/// The type in which the device holds a value: i32 for integers, f32 for the others, truth values as 1 and 0.
pub(super) fn storage(dtype: ElementType) -> DType {
    if dtype.is_float() || dtype == ElementType::Bool { DType::F32 } else { DType::I32 }
}

/// Elements as the device holds them.
pub(super) enum Stored {
    F32(Vec<f32>),
    I32(Vec<i32>),
}

impl Stored {
    /// The elements of a tensor; `place` names it in what is wrong.
    pub(super) fn of(place: &str, tensor: &HostTensor) -> Result<Self> {
        let dtype = tensor.dtype();
        if let Data::F64(values) = tensor.data() {
            let narrow = |&value: &f64| -> Result<f32> {
                let held = value as f32;
                if held.is_infinite() && value.is_finite() {
                    let what =
                        format!("the double {value:e}, beyond the float that the device computes with,");
                    return Err(Error::Unsupported { place: place.to_owned(), what });
                }
                Ok(held)
            };
            return Ok(Self::F32(values.iter().map(narrow).collect::<Result<_>>()?));
        }
        if storage(dtype) == DType::F32 {
            return Ok(Self::F32(tensor.to_f32()));
        }
        let Numbers::Integers(values) = tensor.data().numbers() else { return Ok(Self::I32(vec![])) };
        let held = |value: i128| {
            let beyond = |_| Error::Range {
                place: place.to_owned(),
                dtype,
                value,
                held: "32 bits, as the device holds it",
            };
            i32::try_from(value).map_err(beyond)
        };
        Ok(Self::I32(values.into_iter().map(held).collect::<Result<_>>()?))
    }

    pub(super) fn upload(&self, context: &Context, shape: &[usize]) -> Result<Tensor> {
        Ok(match self {
            Self::F32(values) => Tensor::from_slice(context, values, shape)?,
            Self::I32(values) => Tensor::from_slice(context, values, shape)?,
        })
    }
}

impl InputPort {
    /// A tensor of the host as the graph takes it.
    ///
    /// # Errors
    /// [`Error::Input`] if its type or shape is another, or a value does not fit 32 bits.
    pub fn upload(&self, context: &Context, tensor: &HostTensor) -> Result<Tensor> {
        if tensor.dtype() != self.dtype || tensor.shape() != self.shape {
            let reason = format!(
                "{} {:?} was given, and it is {} {:?}",
                tensor.dtype(),
                tensor.shape(),
                self.dtype,
                self.shape
            );
            return Err(Error::Input { input: self.name.clone(), reason });
        }
        Stored::of(&format!("input `{}`", self.name), tensor)?.upload(context, &self.shape)
    }
}

impl OutputPort {
    pub(super) fn constant(name: String, value: HostTensor) -> Self {
        Self { name, dtype: value.dtype(), shape: value.shape().to_vec(), source: Source::Constant(value) }
    }

    /// One that is the graph's output number `at`.
    #[must_use]
    pub fn computed(name: String, dtype: ElementType, shape: Vec<usize>, at: usize) -> Self {
        Self { name, dtype, shape, source: Source::Computed(at) }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type in the model.
    #[must_use]
    pub fn dtype(&self) -> ElementType {
        self.dtype
    }

    /// Its shape.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its value, if it does not depend on the inputs.
    #[must_use]
    pub fn known(&self) -> Option<&HostTensor> {
        match &self.source {
            Source::Constant(value) => Some(value),
            Source::Computed(_) => None,
        }
    }

    /// Which of the graph's outputs it is, if it is computed.
    #[must_use]
    pub fn graph_output(&self) -> Option<usize> {
        match self.source {
            Source::Constant(_) => None,
            Source::Computed(at) => Some(at),
        }
    }
}

impl Imported {
    /// Runs a compiled graph of this import on tensors of the host, and gives every output.
    ///
    /// # Errors
    /// [`Error::Input`]; those of the run.
    pub fn run(&self, compiled: &Compiled, inputs: &[&HostTensor]) -> Result<Vec<(String, HostTensor)>> {
        if inputs.len() != self.inputs.len() {
            let names: Vec<_> = self.inputs.iter().map(|port| port.name.as_str()).collect();
            let reason =
                format!("{} inputs were given, and the model takes {}", inputs.len(), names.join(", "));
            return Err(Error::Input { input: names.first().map_or("", |name| name).to_owned(), reason });
        }
        let context = compiled.context();
        let uploaded: Result<Vec<Tensor>> =
            self.inputs.iter().zip(inputs).map(|(port, tensor)| port.upload(context, tensor)).collect();
        let uploaded = uploaded?;
        // A graph without outputs has nothing to run.
        let computed = self.outputs.iter().any(|port| port.known().is_none());
        let results = if computed { compiled.run(&uploaded.iter().collect::<Vec<_>>())? } else { vec![] };
        let outputs = self.outputs.iter().map(|port| {
            let value = match &port.source {
                Source::Constant(value) => value.clone(),
                Source::Computed(at) => {
                    let missing = || Error::MissingValue {
                        reader: "the graph's output".to_owned(),
                        name: port.name.clone(),
                    };
                    port.download(results.get(*at).ok_or_else(missing)?)?
                }
            };
            Ok((port.name.clone(), value))
        });
        outputs.collect()
    }
}

impl OutputPort {
    /// A result of the graph in the model's type: floats rounded to it once, truth values as 0 and 1, integers as they are.
    ///
    /// # Errors
    /// [`Error::Range`] for an integer that its type in the model does not hold; those of reading the device.
    pub fn download(&self, tensor: &Tensor) -> Result<HostTensor> {
        let data = if tensor.dtype() == DType::F32 {
            let values: Vec<f32> = tensor.to_vec()?;
            if self.dtype == ElementType::F32 {
                Data::F32(values)
            } else if self.dtype.is_float() || self.dtype == ElementType::Bool {
                Data::from_numbers(self.dtype, &Numbers::Floats(values.into_iter().map(f64::from).collect()))
            } else {
                return Err(Error::Unsupported {
                    place: format!("output `{}`", self.name),
                    what: format!("{} that the device computes as f32", self.dtype),
                });
            }
        } else {
            let values: Vec<i128> = tensor.to_vec::<i32>()?.into_iter().map(i128::from).collect();
            self.integers(values)?
        };
        let wrong = |_| Error::Input {
            input: self.name.clone(),
            reason: format!("the result's elements do not fill the shape {:?}", tensor.shape()),
        };
        HostTensor::new(tensor.shape(), data).map_err(wrong)
    }

    /// Integers in the model's type, which must hold each.
    fn integers(&self, values: Vec<i128>) -> Result<Data> {
        let numbers = Numbers::Integers(values);
        let data = Data::from_numbers(self.dtype, &numbers);
        let Numbers::Integers(values) = &numbers else { return Ok(data) };
        let changed = match data.numbers() {
            Numbers::Integers(found) => values
                .iter()
                .zip(&found)
                .map(|(&value, &found)| (value, found))
                .find(|(value, found)| value != found),
            Numbers::Floats(_) => None,
        };
        match changed {
            None => Ok(data),
            Some((value, _)) => Err(Error::Range {
                place: format!("output `{}`", self.name),
                dtype: self.dtype,
                value,
                held: "its type in the model",
            }),
        }
    }
}
