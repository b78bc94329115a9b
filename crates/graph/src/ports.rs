//! The inputs and outputs of what was compiled.

use tilewright_ops::DType;

use crate::{
    error::{Error, Result},
    graph::{Graph, ValueId},
};

/// An input or output of what was compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its type.
    pub dtype: DType,
}

/// All of them, in order.
pub(crate) struct Ports {
    pub inputs: Vec<Port>,
    pub outputs: Vec<Port>,
}

impl Port {
    /// What was given in its place does not fit.
    pub(crate) fn refuse(&self, found: &impl std::fmt::Debug, found_dtype: DType) -> Error {
        let found = format!("{} {found:?}", found_dtype.name());
        let expected = format!("{} {:?}", self.dtype.name(), self.shape);
        Error::Input { name: self.name.clone(), found, expected }
    }
}

impl Ports {
    pub fn of(graph: &Graph) -> Self {
        let port = |(name, id): &(String, ValueId)| {
            let value = &graph[*id];
            Port { name: name.clone(), shape: value.shape.clone(), dtype: value.dtype }
        };
        Self {
            inputs: graph.inputs().iter().map(port).collect(),
            outputs: graph.outputs().iter().map(port).collect(),
        }
    }

    /// # Errors
    /// [`Error::NoPort`].
    pub fn input(&self, at: usize) -> Result<&Port> {
        let count = self.inputs.len();
        self.inputs.get(at).ok_or(Error::NoPort { what: "input", at, count })
    }

    /// # Errors
    /// [`Error::NoPort`].
    pub fn output(&self, at: usize) -> Result<&Port> {
        let count = self.outputs.len();
        self.outputs.get(at).ok_or(Error::NoPort { what: "output", at, count })
    }
}
