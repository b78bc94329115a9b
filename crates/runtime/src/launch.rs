//! Launches on a context: run, or kept by a recording.

use tilewright_shaders::{BindingKind, Specialisation};

use crate::{
    bind_groups,
    command::Command,
    context::Context,
    dispatch::{Dispatch, bound_size, check, check_textures},
    error::Result,
    pipeline::{Pipeline, Target, compile},
    texture::Texture,
};

impl Context {
    /// The pipeline of `kernel`, compiled at its first use.
    pub fn pipeline(&self, kernel: &Specialisation) -> Result<Pipeline> {
        // wgpu refuses a buffer that one binding writes and another only reads, whatever their ranges, and takes one that
        // all write. A plan then needs no second buffer for a launch's result. On a CPU that costs nothing; a GPU may
        // have a quicker way for what is only read.
        let shares_buffers = self.is_recording() && self.gpu().info.device_type == wgpu::DeviceType::Cpu;
        self.pipelines().get(kernel, shares_buffers)
    }

    /// A pipeline from the caller's own WGSL: entry point `main`, buffers in `@group(0)`. `label` names it in errors.
    /// It is compiled at each call: hold on to it.
    pub fn pipeline_from_wgsl(&self, label: &str, wgsl: &str) -> Result<Pipeline> {
        compile(&Target::of(self.gpu()), label, wgsl, None, false)
    }

    /// Records a launch of `kernel`. It runs at the next flush at the latest.
    pub fn dispatch(&self, kernel: &Specialisation, dispatch: &Dispatch<'_>) -> Result<()> {
        self.dispatch_with_textures(kernel, dispatch, &[])
    }

    /// As [`Self::dispatch`], for a kernel that also binds textures, given in the order of their bindings.
    ///
    /// # Errors
    /// [`Error::Texture`](crate::error::Error::Texture) for a texture without the usage that the kernel needs, of a format that it does not read or
    /// write, or of another device.
    pub fn dispatch_with_textures(
        &self,
        kernel: &Specialisation,
        dispatch: &Dispatch<'_>,
        textures: &[&Texture],
    ) -> Result<()> {
        if dispatch.groups == 0 {
            return Ok(());
        }
        let pipeline = self.pipeline(kernel)?;
        self.launch(&pipeline, dispatch, textures)
    }

    /// Records a launch of a pipeline that the caller holds.
    pub fn dispatch_pipeline(&self, pipeline: &Pipeline, dispatch: &Dispatch<'_>) -> Result<()> {
        self.launch(pipeline, dispatch, &[])
    }

    pub(crate) fn launch(
        &self,
        pipeline: &Pipeline,
        dispatch: &Dispatch<'_>,
        textures: &[&Texture],
    ) -> Result<()> {
        let gpu = self.gpu();
        gpu.check_fault()?;
        let grid = check(gpu, pipeline, dispatch)?;
        check_textures(gpu, pipeline, textures)?;
        if let Some(recording) = self.current_recording() {
            recording.dispatch(pipeline, dispatch, textures, grid);
            return Ok(());
        }
        let bindings = &pipeline.reflection().bindings;
        let mut buffers = dispatch.buffers.iter();
        let mut views = Vec::with_capacity(textures.len());
        let mut given = textures.iter();
        let mut bound = Vec::with_capacity(bindings.len());
        let mut offset = None;
        let mut recorder = self.recorder();
        for binding in bindings {
            let (raw, at, size) = if let BindingKind::Uniform(size) = binding.kind {
                offset = Some(recorder.push_params(dispatch.params)?);
                (recorder.params(), 0, u64::from(size))
            } else if binding.kind.is_texture() {
                views.extend(given.next().map(|texture| (binding.index, texture.view().clone())));
                continue;
            } else {
                let Some(buffer) = buffers.next() else { continue };
                buffer.require_backed(dispatch.op)?;
                (buffer.raw(), buffer.offset(), bound_size(gpu, buffer))
            };
            bound.push((binding.index, raw.clone(), at, size));
        }
        // An application's buffer is not ours to keep alive.
        let keep = dispatch.buffers.iter().all(|buffer| buffer.0.home.is_some());
        let bind_group = if views.is_empty() {
            recorder.bind_groups.get(&gpu.device, pipeline, bound, keep)
        } else {
            // Nor is a texture: its bind group is made anew.
            recorder.bind_groups.made += 1;
            bind_groups::with_textures(gpu, pipeline, &bound, &views)?
        };
        let op = dispatch.op.to_owned();
        recorder.push(Command::Dispatch { pipeline: pipeline.clone(), bind_group, offset, grid, op })
    }
}
