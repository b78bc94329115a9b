//! A graph from a network's own forward function.

use std::collections::HashMap;

use tilewright_ops::DType;
use tilewright_runtime::Context;
use tilewright_tensor::{Tensor, Trace, TraceOperand};

use crate::{Error, Graph, Result, ValueId};

/// Runs `forward` once on symbolic tensors (nothing is computed) and gives what it does as a graph. `inputs` are names,
/// shapes and types; `forward` returns the outputs by name.
///
/// # Errors
/// [`Error::Capture`] with `forward`'s own error: also where it reads a value or needs an operation that only runs
/// eagerly. [`Error::ForeignOutput`] for a symbolic output of another capture.
pub fn capture<E: std::fmt::Display>(
    context: &Context,
    inputs: &[(&str, &[usize], DType)],
    forward: impl FnOnce(&[Tensor]) -> std::result::Result<Vec<(String, Tensor)>, E>,
) -> Result<Graph> {
    capture_named(context, inputs, &[], forward)
}

/// As [`capture`], with the paths of the network's parameters: the node that reads `layer1.0.conv1.weight` is named
/// `layer1.0.conv1`, in errors, tables and profiles. Others are named after their operation and number.
pub fn capture_named<E: std::fmt::Display>(
    context: &Context,
    inputs: &[(&str, &[usize], DType)],
    parameters: &[(String, Tensor)],
    forward: impl FnOnce(&[Tensor]) -> std::result::Result<Vec<(String, Tensor)>, E>,
) -> Result<Graph> {
    let trace = Trace::new();
    let mut graph = Graph::new(context);
    let mut values: HashMap<usize, ValueId> = HashMap::new();
    let mut symbolic = Vec::with_capacity(inputs.len());
    for &(name, shape, dtype) in inputs {
        let tensor = trace.input(context, shape, dtype)?;
        let id = graph.input(name, shape, dtype);
        values.extend(trace.value_of(&tensor).map(|value| (value, id)));
        symbolic.push(tensor);
    }
    let outputs = forward(&symbolic).map_err(|error| Error::Capture(error.to_string()))?;
    // A parameter that is read twice is one constant.
    let mut constants: Vec<(Tensor, ValueId)> = Vec::new();
    let mut constant = |graph: &mut Graph, tensor: &Tensor| {
        let known = constants.iter().find(|(other, _)| same(other, tensor)).map(|(_, id)| *id);
        known.unwrap_or_else(|| {
            let id = graph.constant(tensor.clone());
            constants.push((tensor.clone(), id));
            id
        })
    };
    for (at, step) in trace.steps().into_iter().enumerate() {
        let mut operands = Vec::with_capacity(step.inputs.len());
        for operand in &step.inputs {
            operands.push(match operand {
                TraceOperand::Value(value) => *values.get(value).ok_or_else(|| {
                    let node = step.op.name().to_owned();
                    Error::ForeignOperand { node, operand: operands.len() }
                })?,
                TraceOperand::Constant(tensor) => constant(&mut graph, tensor),
            });
        }
        let layer = step.inputs.iter().find_map(|operand| match operand {
            TraceOperand::Constant(tensor) => layer_of(tensor, parameters),
            TraceOperand::Value(_) => None,
        });
        let name = Some(step.scope).filter(|scope| !scope.is_empty()).or(layer);
        let name = name.unwrap_or_else(|| format!("{}.{at}", step.op.name()));
        let outputs = graph.push_all(name, step.op, &operands)?;
        values.extend(step.outputs.into_iter().zip(outputs));
    }
    for (name, tensor) in outputs {
        let id = match trace.value_of(&tensor).and_then(|value| values.get(&value)) {
            Some(&id) => id,
            None if tensor.is_symbolic() => return Err(Error::ForeignOutput { name }),
            None => constant(&mut graph, &tensor),
        };
        graph.output(name, id)?;
    }
    Ok(graph)
}

/// The layer that a parameter belongs to: its path without the last part.
fn layer_of(tensor: &Tensor, parameters: &[(String, Tensor)]) -> Option<String> {
    let (path, _) = parameters.iter().find(|(_, parameter)| parameter.buffer().same(tensor.buffer()))?;
    Some(path.rsplit_once('.').map_or(path.as_str(), |(layer, _)| layer).to_owned())
}

fn same(a: &Tensor, b: &Tensor) -> bool {
    a.buffer().same(b.buffer())
        && a.shape() == b.shape()
        && a.dtype() == b.dtype()
        && a.layout() == b.layout()
}
