//! From a graph to a recording: every node's own launcher runs once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tilewright_ops::{Op, op::Preference};
use tilewright_runtime::{Buffer, Context, Plan};
use tilewright_tensor::{Hints, Layout, Tensor};

use crate::{Error, Graph, Result, ValueId, ports::Ports};

/// A graph's launches, and what the caller fills and reads.
struct Recorded {
    /// The recording that has kept them.
    context: Context,
    inputs: Vec<Buffer>,
    outputs: Vec<Buffer>,
}

/// The plan of a graph, and its ports.
///
/// # Errors
/// [`Error::Node`] if the device cannot run a node; [`Error::Runtime`] if it has no room.
pub(crate) fn plan(graph: &Graph) -> Result<(Arc<Plan>, Arc<Ports>)> {
    let Recorded { context, inputs, outputs } = record(graph)?;
    let [inputs, outputs] = [&inputs, &outputs].map(|buffers| buffers.iter().collect::<Vec<_>>());
    let plan = context.plan_sharing(&inputs, &outputs, graph.shared().packed())?;
    Ok((Arc::new(plan), Arc::new(Ports::of(graph))))
}

/// Walks over the nodes of `graph` in a recording.
///
/// # Errors
/// [`Error::Node`] if the device cannot run a node.
fn record(graph: &Graph) -> Result<Recorded> {
    let context = graph.context().recording();
    let mut lowering = Lowering { values: HashMap::new(), context: &context };
    let over_residual = residuals_to_overwrite(graph);
    let mut input_buffers = Vec::new();
    for (_, id) in graph.inputs() {
        let value = &graph[*id];
        let tensor = Tensor::empty(&context, &value.shape, value.dtype, Layout::RowMajor)?;
        input_buffers.push(tensor.buffer().clone());
        lowering.values.insert((*id, Layout::RowMajor), tensor);
    }
    for (at, node) in graph.nodes().iter().enumerate() {
        context.set_scope(&node.name);
        let hints = Hints { over_residual: over_residual.contains(&at), ..Hints::default() };
        let operands = lowering.operands(graph, &node.op, &node.inputs)?;
        let operands: Vec<_> = operands.iter().collect();
        let results = Tensor::run_with(&node.op, &operands, &hints);
        let results = results.map_err(|error| Error::node(&node.name, error))?;
        for (&output, result) in node.outputs.iter().zip(results) {
            lowering.values.insert((output, result.layout()), result);
        }
    }
    let mut output_buffers: Vec<Buffer> = Vec::new();
    for (name, id) in graph.outputs() {
        context.set_scope(name);
        output_buffers.push(lowering.value(graph, *id, Some(Layout::RowMajor))?.buffer().clone());
    }
    drop(lowering);
    Ok(Recorded { context, inputs: input_buffers, outputs: output_buffers })
}

/// The nodes that may put their result where their residual lies: nobody reads it afterwards, no other operand is it, and
/// nothing shares its memory.
///
/// A plan gains by it: a value that is added to lies apart from the sum otherwise, which takes a buffer more.
fn residuals_to_overwrite(graph: &Graph) -> HashSet<usize> {
    // Operations that give no operand's memory away.
    let owns = |op: &Op| op.facts().owns_memory;
    let (makers, nodes) = (graph.makers(), graph.nodes());
    let outputs: HashSet<ValueId> = graph.outputs().iter().map(|(_, id)| *id).collect();
    let mut found = HashSet::new();
    for (at, node) in nodes.iter().enumerate() {
        let Op::Conv2d { residual: true, pool: None, .. } = node.op else { continue };
        let Some((&residual, others)) = node.inputs.split_last() else { continue };
        let made = makers.get(&residual).is_some_and(|&maker| owns(&nodes[maker].op));
        let mut readers = nodes.iter().enumerate().filter(|(_, other)| other.inputs.contains(&residual));
        let last = readers.all(|(reader, other)| reader <= at && owns(&other.op));
        if made && last && !others.contains(&residual) && !outputs.contains(&residual) {
            found.insert(at);
        }
    }
    found
}

/// The values so far, in each layout in which somebody has needed them: no value is turned around twice.
struct Lowering<'a> {
    values: HashMap<(ValueId, Layout), Tensor>,
    context: &'a Context,
}

impl Lowering<'_> {
    /// The operands of a node, laid out so that its kernel turns none around.
    fn operands(&mut self, graph: &Graph, op: &Op, inputs: &[ValueId]) -> Result<Vec<Tensor>> {
        let facts = op.facts();
        let mut tensors = Vec::with_capacity(inputs.len());
        for (at, &id) in inputs.iter().enumerate() {
            let layout = match facts.input(at).layout {
                Preference::ChannelsLast => Some(Layout::ChannelsLast),
                Preference::RowMajor => Some(Layout::RowMajor),
                Preference::None | Preference::Alike => None,
            };
            tensors.push(self.value(graph, id, layout)?);
        }
        let Some(first) = tensors.first().filter(|_| facts.input(0).layout == Preference::Alike) else {
            return Ok(tensors);
        };
        // The operands of one shape lie alike, as the first activation does; those that may be many, all of them.
        let (shape, layout) = (first.shape().to_vec(), self.preferred(graph, inputs, first.layout()));
        for (tensor, &id) in tensors.iter_mut().zip(inputs) {
            if tensor.shape() == shape || facts.variadic {
                *tensor = self.value(graph, id, Some(layout))?;
            }
        }
        Ok(tensors)
    }

    /// Channels-last if any operand that is no constant lies so.
    fn preferred(&self, graph: &Graph, inputs: &[ValueId], else_this: Layout) -> Layout {
        let last = inputs
            .iter()
            .any(|&id| graph[id].constant.is_none() && self.values.contains_key(&(id, Layout::ChannelsLast)));
        if last { Layout::ChannelsLast } else { else_this }
    }

    /// A value as it lies, or in `layout`.
    fn value(&mut self, graph: &Graph, id: ValueId, layout: Option<Layout>) -> Result<Tensor> {
        let value = &graph[id];
        let layout = if value.shape.len() == 4 { layout } else { None };
        let known = |layout| self.values.get(&(id, layout)).cloned();
        let exact = layout.and_then(known);
        if let Some(tensor) = exact {
            return Ok(tensor);
        }
        let any = known(Layout::ChannelsLast).or_else(|| known(Layout::RowMajor));
        let tensor = match (any, &value.constant) {
            (Some(tensor), _) => tensor,
            (None, Some(constant)) => constant.on(self.context),
            (None, None) => unreachable!("a graph is sorted"),
        };
        let tensor = layout.map_or(Ok(tensor.clone()), |layout| tensor.to_layout(layout))?;
        self.values.insert((id, tensor.layout()), tensor.clone());
        Ok(tensor)
    }
}
