//! From a graph to a plan that runs.

use std::collections::{HashMap, HashSet};

use tilewright_ops::{DType, Op, TextureInput, TextureOutput};
use tilewright_runtime::{Buffer, Context, Plan, Texture};
use tilewright_tensor::{Element, Layout, Tensor};

use crate::{Error, Graph, PassReport, Precision, Result, ValueId, passes};

/// How a graph is compiled.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether the passes run.
    pub optimize: bool,
    /// In which type products and convolutions keep their numbers.
    pub precision: Precision,
}

impl Default for Options {
    fn default() -> Self {
        Self { optimize: true, precision: Precision::F32 }
    }
}

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

/// A graph with its plan: [`Self::write`], [`Self::execute`], [`Self::read`].
pub struct Compiled {
    graph: Graph,
    plan: Plan,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    passes: Vec<PassReport>,
}

impl Compiled {
    /// Optimises `graph` and plans it.
    ///
    /// # Errors
    /// [`Error::Node`] if the device cannot run a node; [`Error::Runtime`] if it has no room.
    pub fn new(graph: &Graph, options: &Options) -> Result<Self> {
        let (mut graph, mut passes) =
            if options.optimize { passes::optimize(graph)? } else { (graph.clone(), Vec::new()) };
        if options.precision == Precision::F16 {
            let changed;
            (graph, changed) = passes::convert_f16(&graph)?;
            passes.push(PassReport { pass: "convert_f16", changed });
        }
        let context = graph.context().recording();
        let mut lowering = Lowering { values: HashMap::new(), context: &context };
        let over_residual = residuals_to_overwrite(&graph);
        let mut input_buffers = Vec::new();
        for (_, id) in graph.inputs() {
            let value = &graph[*id];
            let tensor = Tensor::empty(&context, &value.shape, value.dtype, Layout::RowMajor)?;
            input_buffers.push(tensor.buffer().clone());
            lowering.values.insert((*id, Layout::RowMajor), tensor);
        }
        for (at, node) in graph.nodes().iter().enumerate() {
            context.set_scope(&node.name);
            let operands: Result<Vec<Tensor>> = lowering.operands(&graph, &node.op, &node.inputs);
            let y = operands.and_then(|operands| {
                let operands: Vec<_> = operands.iter().collect();
                let apply =
                    if over_residual.contains(&at) { Tensor::apply_over_residual } else { Tensor::apply };
                apply(&node.op, &operands).map_err(|error| Error::node(&node.name, error))
            })?;
            lowering.values.insert((node.output, y.layout()), y);
        }
        let mut output_buffers: Vec<Buffer> = Vec::new();
        for (name, id) in graph.outputs() {
            context.set_scope(name);
            output_buffers.push(lowering.value(&graph, *id, Some(Layout::RowMajor))?.buffer().clone());
        }
        let shared = graph.shared().packed();
        let plan = context.plan_sharing(&refs(&input_buffers), &refs(&output_buffers), shared)?;
        let port = |(name, id): &(String, ValueId)| {
            let value = &graph[*id];
            Port { name: name.clone(), shape: value.shape.clone(), dtype: value.dtype }
        };
        let (inputs, outputs) =
            (graph.inputs().iter().map(port).collect(), graph.outputs().iter().map(port).collect());
        Ok(Self { plan, inputs, outputs, passes, graph })
    }

    /// Fills an input from the host, in row-major order.
    ///
    /// # Errors
    /// [`Error::NoPort`]; [`Error::Input`] if the type or the number of elements is another.
    pub fn write<T: Element>(&self, input: usize, values: &[T]) -> Result<()> {
        let port = self.input(input)?;
        if port.dtype != T::DTYPE || values.len() != port.shape.iter().product::<usize>() {
            return Err(port.refuse(&values.len(), T::DTYPE));
        }
        self.refuse_filled(input)?;
        let bytes: &[u8] = bytemuck::cast_slice(values);
        Ok(self.context().write(&self.plan.inputs()[input], bytes)?)
    }

    /// Submits the whole network, without waiting.
    pub fn execute(&self) -> Result<()> {
        Ok(self.plan.run()?)
    }

    /// The elements of an output in row-major order. Waits for the device.
    ///
    /// # Errors
    /// [`Error::NoPort`]; a tensor error if `T` is not its type.
    pub fn read<T: Element>(&self, output: usize) -> Result<Vec<T>> {
        Ok(self.output(output)?.to_vec()?)
    }

    /// As [`Self::read`], without blocking the thread.
    pub async fn read_async<T: Element>(&self, output: usize) -> Result<Vec<T>> {
        Ok(self.output(output)?.to_vec_async().await?)
    }

    /// The output as a tensor over the plan's own memory: the next run overwrites it.
    pub fn output(&self, output: usize) -> Result<Tensor> {
        let count = self.outputs.len();
        let Some(port) = self.outputs.get(output) else {
            return Err(Error::NoPort { what: "output", at: output, count });
        };
        let buffer = self.plan.outputs()[output].clone();
        Ok(Tensor::from_parts(self.context(), buffer, &port.shape, port.dtype, Layout::RowMajor)?)
    }

    /// Runs on tensors of the same context and gives tensors of their own memory.
    ///
    /// # Errors
    /// [`Error::InputCount`], [`Error::Input`].
    pub fn run(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        if inputs.len() != self.inputs.len() {
            let names = self.inputs.iter().map(|port| port.name.clone()).collect::<Vec<_>>().join(", ");
            return Err(Error::InputCount { found: inputs.len(), expected: self.inputs.len(), names });
        }
        (0..inputs.len()).try_for_each(|input| self.refuse_filled(input))?;
        for ((port, tensor), to) in self.inputs.iter().zip(inputs).zip(self.plan.inputs()) {
            if port.shape != tensor.shape() || port.dtype != tensor.dtype() {
                return Err(port.refuse(&tensor.shape(), tensor.dtype()));
            }
            let dense = tensor.to_layout(Layout::RowMajor)?;
            if !dense.buffer().same(to) {
                let bytes = (dense.count() * dense.dtype().size()) as u64;
                self.context().copy(dense.buffer(), 0, to, 0, bytes.next_multiple_of(4))?;
            }
        }
        self.execute()?;
        (0..self.outputs.len()).map(|at| Ok(self.output(at)?.copy()?)).collect()
    }

    /// Reads an input from the caller's buffer from now on (see [`Plan::bind_input`]): row-major, of the input's type.
    pub fn bind_input(&mut self, input: usize, buffer: Buffer) -> Result<()> {
        Ok(self.plan.bind_input(input, buffer)?)
    }

    /// Writes an output to the caller's buffer from now on (see [`Plan::bind_output`]).
    pub fn bind_output(&mut self, output: usize, buffer: Buffer) -> Result<()> {
        Ok(self.plan.bind_output(output, buffer)?)
    }

    /// Fills an input of N C H W, f32 or f16, from the layers of a texture ([`Context::wrap_texture`]) at the start of every
    /// run, in the same submission. It takes the place of a buffer that was bound.
    ///
    /// # Errors
    /// Those of [`Tensor::from_texture`]; [`Error::NoPort`]. The input is then filled as before.
    pub fn bind_input_texture(&mut self, input: usize, texture: &Texture, op: &TextureInput) -> Result<()> {
        let port = self.input(input)?.clone();
        self.plan.fill_input(input, |context, buffer| {
            context.set_scope(&port.name);
            let y = Tensor::from_parts(context, buffer.clone(), &port.shape, port.dtype, Layout::RowMajor)?;
            Ok(y.fill_from_texture(texture, op)?)
        })
    }

    /// Writes an output of N C H W, f32 or f16, to the layers of a texture at the end of every run, in the same
    /// submission. The output is there as before, too.
    ///
    /// # Errors
    /// Those of [`Tensor::to_texture`]; [`Error::NoPort`]. The output is then written as before.
    pub fn bind_output_texture(
        &mut self,
        output: usize,
        texture: &Texture,
        op: &TextureOutput,
    ) -> Result<()> {
        let count = self.outputs.len();
        let none = Error::NoPort { what: "output", at: output, count };
        let port = self.outputs.get(output).ok_or(none)?.clone();
        self.plan.drain_output(output, |context, buffer| {
            context.set_scope(&port.name);
            let x = Tensor::from_parts(context, buffer.clone(), &port.shape, port.dtype, Layout::RowMajor)?;
            Ok(x.to_texture(texture, op)?)
        })
    }

    /// Lets the input be written by the caller again, after [`Self::bind_input_texture`].
    pub fn release_input_texture(&mut self, input: usize) {
        self.plan.release_input(input);
    }

    /// Leaves the texture of [`Self::bind_output_texture`] alone from now on.
    pub fn release_output_texture(&mut self, output: usize) {
        self.plan.release_output(output);
    }

    /// The inputs in order.
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// The outputs in order.
    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    /// The graph as it runs, after the passes.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// What the passes did.
    pub fn passes(&self) -> &[PassReport] {
        &self.passes
    }

    /// Launches and memory.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The context on which it runs.
    pub fn context(&self) -> &Context {
        self.plan.context()
    }

    fn refuse_filled(&self, input: usize) -> Result<()> {
        if !self.plan.is_filled(input) {
            return Ok(());
        }
        Err(Error::FromTexture { name: self.input(input)?.name.clone() })
    }

    fn input(&self, input: usize) -> Result<&Port> {
        let count = self.inputs.len();
        self.inputs.get(input).ok_or(Error::NoPort { what: "input", at: input, count })
    }
}

impl Port {
    fn refuse(&self, found: &impl std::fmt::Debug, found_dtype: DType) -> Error {
        let found = format!("{} {found:?}", found_dtype.name());
        let expected = format!("{} {:?}", self.dtype.name(), self.shape);
        Error::Input { name: self.name.clone(), found, expected }
    }
}

fn refs(buffers: &[Buffer]) -> Vec<&Buffer> {
    buffers.iter().collect()
}

/// The nodes that may put their result where their residual lies: nobody reads it afterwards, no other operand is it, and
/// nothing shares its memory.
///
/// A plan gains by it: a value that is added to lies apart from the sum otherwise, which takes a buffer more.
fn residuals_to_overwrite(graph: &Graph) -> HashSet<usize> {
    // Operations whose result is always memory of its own, and which give no operand's memory away.
    let owns = |op: &Op| {
        matches!(
            op,
            Op::Conv2d { .. }
                | Op::Binary { .. }
                | Op::BatchNorm { .. }
                | Op::MaxPool2d(_)
                | Op::AvgPool2d(_)
                | Op::Concat { .. }
        )
    };
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
        let layout = |at: usize| match op {
            Op::Conv2d { residual, .. } => {
                let activation = at == 0 || (*residual && at == inputs.len() - 1);
                Some(if activation { Layout::ChannelsLast } else { Layout::RowMajor })
            }
            Op::BatchNorm { .. } if at > 0 => None,
            Op::BatchNorm { .. }
            | Op::MaxPool2d(_)
            | Op::AvgPool2d(_)
            | Op::SumPool2d(_)
            | Op::AdaptiveAvgPool2d(_) => Some(Layout::ChannelsLast),
            Op::ConvTranspose2d(_) if at == 0 => Some(Layout::ChannelsLast),
            Op::ConvTranspose2d(_) | Op::Gather { .. } => Some(Layout::RowMajor),
            Op::MatMul { .. } | Op::Reshape(_) => Some(Layout::RowMajor),
            _ => None,
        };
        let mut tensors = Vec::with_capacity(inputs.len());
        for (at, &id) in inputs.iter().enumerate() {
            tensors.push(self.value(graph, id, layout(at))?);
        }
        if let (Op::Binary { .. } | Op::Concat { .. }, Some(first)) = (op, tensors.first()) {
            // The operands of one shape lie alike, as the first activation does.
            let (shape, layout) = (first.shape().to_vec(), self.preferred(graph, inputs, first.layout()));
            for (tensor, &id) in tensors.iter_mut().zip(inputs) {
                if tensor.shape() == shape || matches!(op, Op::Concat { .. }) {
                    *tensor = self.value(graph, id, Some(layout))?;
                }
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
