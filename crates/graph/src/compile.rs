//! From a graph to a plan that runs.

use tilewright_ops::{DType, TextureInput, TextureOutput};
use tilewright_runtime::{Buffer, Context, Plan, Texture};
use tilewright_tensor::{Element, Layout, Tensor};

use crate::{
    Error, Graph, PassReport, Precision, Result, ValueId,
    lowering::{Recorded, record},
    passes,
};

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
        let Recorded { context, inputs, outputs } = record(&graph)?;
        let shared = graph.shared().packed();
        let plan = context.plan_sharing(&refs(&inputs), &refs(&outputs), shared)?;
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
