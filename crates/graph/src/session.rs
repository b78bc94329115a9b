//! A session: the memory of one request at a time over a plan that many share.

use std::sync::Arc;

use tilewright_ops::{TextureInput, TextureOutput};
use tilewright_runtime::{Buffer, Context, Replay, Texture};
use tilewright_tensor::{Element, Layout, Tensor};

use crate::{
    error::{Error, Result},
    ports::{Port, Ports},
};

/// The inputs, outputs, intermediate memory and bind groups of one request at a time: [`Self::write`], [`Self::execute`],
/// [`Self::read`]. Weights, pipelines and the layout of memory belong to the plan, which all its sessions share.
///
/// A session may move to another thread, and each thread has one of its own: what a request writes needs `&mut`, so that
/// no second request can come between. From the first run on nothing is allocated, compiled or bound.
pub struct Session {
    ports: Arc<Ports>,
    replay: Replay,
}

impl Session {
    pub(crate) fn new(ports: Arc<Ports>, replay: Replay) -> Self {
        Self { ports, replay }
    }

    /// Fills an input from the host, in row-major order.
    ///
    /// # Errors
    /// [`Error::NoPort`]; [`Error::Input`] if the type or the number of elements is another; [`Error::FromTexture`].
    pub fn write<T: Element>(&mut self, input: usize, values: &[T]) -> Result<()> {
        let port = self.ports.input(input)?;
        if port.dtype != T::DTYPE || values.len() != port.shape.iter().product::<usize>() {
            return Err(port.refuse(&values.len(), T::DTYPE));
        }
        self.refuse_filled(input)?;
        let bytes: &[u8] = bytemuck::cast_slice(values);
        Ok(self.context().write(&self.replay.inputs()[input], bytes)?)
    }

    /// An input as a tensor over the session's own memory, as it was last written.
    ///
    /// # Errors
    /// [`Error::NoPort`].
    pub fn input(&self, input: usize) -> Result<Tensor> {
        let port = self.ports.input(input)?;
        let buffer = self.replay.inputs()[input].clone();
        Ok(Tensor::from_parts(self.context(), buffer, &port.shape, port.dtype, Layout::RowMajor)?)
    }

    /// Submits the whole network, without waiting.
    pub fn execute(&mut self) -> Result<()> {
        Ok(self.replay.run()?)
    }

    /// The elements of an output in row-major order. Waits for the device to be done with this session's run.
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

    /// The output as a tensor over the session's own memory: the next run overwrites it.
    ///
    /// # Errors
    /// [`Error::NoPort`].
    pub fn output(&self, output: usize) -> Result<Tensor> {
        let port = self.ports.output(output)?;
        let buffer = self.replay.outputs()[output].clone();
        Ok(Tensor::from_parts(self.context(), buffer, &port.shape, port.dtype, Layout::RowMajor)?)
    }

    /// Runs on tensors of the same context and gives tensors of their own memory.
    ///
    /// # Errors
    /// [`Error::InputCount`], [`Error::Input`], [`Error::FromTexture`].
    pub fn run(&mut self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let ports = self.ports.clone();
        if inputs.len() != ports.inputs.len() {
            let names = ports.inputs.iter().map(|port| port.name.clone()).collect::<Vec<_>>().join(", ");
            return Err(Error::InputCount { found: inputs.len(), expected: ports.inputs.len(), names });
        }
        (0..inputs.len()).try_for_each(|input| self.refuse_filled(input))?;
        for ((port, tensor), to) in ports.inputs.iter().zip(inputs).zip(self.replay.inputs()) {
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
        (0..ports.outputs.len()).map(|at| Ok(self.output(at)?.copy()?)).collect()
    }

    /// Reads an input from the caller's buffer from now on (see [`Replay::bind_input`]): row-major, of the input's type.
    ///
    /// # Errors
    /// Those of [`Replay::bind_input`].
    pub fn bind_input(&mut self, input: usize, buffer: Buffer) -> Result<()> {
        Ok(self.replay.bind_input(input, buffer)?)
    }

    /// Writes an output to the caller's buffer from now on (see [`Replay::bind_output`]).
    ///
    /// # Errors
    /// Those of [`Replay::bind_output`].
    pub fn bind_output(&mut self, output: usize, buffer: Buffer) -> Result<()> {
        Ok(self.replay.bind_output(output, buffer)?)
    }

    /// Fills an input of N C H W, f32 or f16, from the layers of a texture ([`Context::wrap_texture`]) at the start of every
    /// run, in the same submission. It takes the place of a buffer that was bound.
    ///
    /// # Errors
    /// Those of [`Tensor::from_texture`]; [`Error::NoPort`]. The input is then filled as before.
    pub fn bind_input_texture(&mut self, input: usize, texture: &Texture, op: &TextureInput) -> Result<()> {
        let Port { name, shape, dtype } = self.ports.input(input)?.clone();
        self.replay.fill_input(input, |context, buffer| {
            context.set_scope(&name);
            let y = Tensor::from_parts(context, buffer.clone(), &shape, dtype, Layout::RowMajor)?;
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
        let Port { name, shape, dtype } = self.ports.output(output)?.clone();
        self.replay.drain_output(output, |context, buffer| {
            context.set_scope(&name);
            let x = Tensor::from_parts(context, buffer.clone(), &shape, dtype, Layout::RowMajor)?;
            Ok(x.to_texture(texture, op)?)
        })
    }

    /// Lets the input be written by the caller again, after [`Self::bind_input_texture`].
    pub fn release_input_texture(&mut self, input: usize) {
        self.replay.release_input(input);
    }

    /// Leaves the texture of [`Self::bind_output_texture`] alone from now on.
    pub fn release_output_texture(&mut self, output: usize) {
        self.replay.release_output(output);
    }

    /// The inputs in order.
    pub fn inputs(&self) -> &[Port] {
        &self.ports.inputs
    }

    /// The outputs in order.
    pub fn outputs(&self) -> &[Port] {
        &self.ports.outputs
    }

    /// Launches and memory of a run, with what textures have added.
    pub fn replay(&self) -> &Replay {
        &self.replay
    }

    /// The context on which it runs.
    pub fn context(&self) -> &Context {
        self.replay.context()
    }

    fn refuse_filled(&self, input: usize) -> Result<()> {
        if !self.replay.is_filled(input) {
            return Ok(());
        }
        Err(Error::FromTexture { name: self.ports.input(input)?.name.clone() })
    }
}
