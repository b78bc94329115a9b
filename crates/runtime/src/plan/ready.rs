//! A step with its pipeline and parameters: all of a launch that does not depend on the memory of a replay.

use std::collections::HashMap;

use tilewright_shaders::BindingKind;

use super::{
    memory::ALIGNMENT,
    place::{Place, Range},
};
use crate::{
    bind_groups,
    buffer::Buffer,
    context::Context,
    error::Result,
    pipeline::Pipeline,
    recording::{Launch, Step},
};

pub(crate) enum Ready {
    Launch(ReadyLaunch),
    Copy(ReadyCopy),
}

pub(crate) struct ReadyLaunch {
    pub pipeline: Pipeline,
    /// The parameters of all launches, and where its own lie.
    params: Option<wgpu::Buffer>,
    pub offset: Option<u32>,
    pub grid: [u32; 3],
    pub op: String,
    bound: Vec<(u32, Place)>,
    views: Vec<(u32, wgpu::TextureView)>,
}

pub(crate) struct ReadyCopy {
    pub from: Place,
    pub from_offset: u64,
    pub to: Place,
    pub to_offset: u64,
    pub size: u64,
}

impl Ready {
    /// The operation and the kernel.
    pub fn names(&self) -> (&str, &str) {
        match self {
            Self::Launch(launch) => launch.names(),
            Self::Copy(_) => ReadyCopy::NAMES,
        }
    }

    pub fn launch(&self) -> Option<&ReadyLaunch> {
        match self {
            Self::Launch(launch) => Some(launch),
            Self::Copy(_) => None,
        }
    }

    pub fn copy(&self) -> Option<&ReadyCopy> {
        match self {
            Self::Launch(_) => None,
            Self::Copy(copy) => Some(copy),
        }
    }

    /// The memory that it binds or copies.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        let (bound, copied) = match self {
            Self::Launch(launch) => (&launch.bound[..], [None, None]),
            Self::Copy(copy) => (&[][..], [Some(&copy.from), Some(&copy.to)]),
        };
        bound.iter().map(|(_, place)| place).chain(copied.into_iter().flatten())
    }
}

impl ReadyCopy {
    /// As [`ReadyLaunch::names`].
    pub const NAMES: (&'static str, &'static str) = ("copy", "copy");
}

impl ReadyLaunch {
    /// A launch whose buffers lie at `place`.
    pub fn new(
        launch: Launch,
        params: Option<&wgpu::Buffer>,
        offset: Option<u32>,
        place: impl Fn(&Buffer) -> Place,
    ) -> Self {
        let numbers = launch.storage().map(|(index, _)| index);
        let bound = numbers.zip(launch.buffers.iter().map(place)).collect();
        let textures = launch.textures.iter().map(|texture| texture.view().clone());
        let views = launch.texture_bindings().zip(textures).collect();
        let Launch { pipeline, grid, op, .. } = launch;
        Self { pipeline, params: params.cloned(), offset, grid, op, bound, views }
    }

    /// The operation and the kernel.
    pub fn names(&self) -> (&str, &str) {
        (&self.op, self.pipeline.label())
    }

    /// The memory that it binds.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.bound.iter().map(|(_, place)| place)
    }

    /// Its bind group over the memory that `range` gives.
    ///
    /// # Errors
    /// Where a texture cannot be bound.
    pub fn bind<'a>(
        &'a self,
        context: &Context,
        range: impl Fn(&'a Place) -> Range<'a>,
    ) -> Result<wgpu::BindGroup> {
        let gpu = context.gpu();
        let most = gpu.limits.max_storage_buffer_binding_size;
        let mut entries = Vec::with_capacity(self.bound.len() + self.views.len() + 1);
        for (binding, place) in &self.bound {
            let Range { raw, offset, size } = range(place);
            entries.push(bind_groups::entry(*binding, raw, offset, size.min(most)));
        }
        let bindings = &self.pipeline.reflection().bindings;
        let uniform = bindings.iter().find_map(|binding| match binding.kind {
            BindingKind::Uniform(size) => Some((binding.index, u64::from(size))),
            _ => None,
        });
        if let (Some((binding, size)), Some(buffer)) = (uniform, &self.params) {
            entries.push(bind_groups::entry(binding, buffer, 0, size));
        }
        context.recorder().bind_groups.made += 1;
        if !self.views.is_empty() {
            return bind_groups::checked(gpu, &self.pipeline, entries, &self.views);
        }
        Ok(gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(self.pipeline.label()),
            layout: self.pipeline.layout(),
            entries: &entries,
        }))
    }
}

pub(crate) struct Params {
    pub raw: Option<wgpu::Buffer>,
    /// For each launch, where its parameters lie.
    pub offsets: Vec<Option<u32>>,
}

/// The parameters of all launches in one buffer. Equal ones are kept once.
pub(crate) fn upload_params(context: &Context, steps: &[Step]) -> Result<Params> {
    let gpu = context.gpu();
    let mut bytes: Vec<u8> = Vec::new();
    let mut known: HashMap<&[u8], u32> = HashMap::new();
    let mut offsets = Vec::new();
    for step in steps {
        let Step::Launch(launch) = step else { continue };
        if launch.params.is_empty() {
            offsets.push(None);
            continue;
        }
        let at = *known.entry(&launch.params).or_insert_with(|| {
            let at = bytes.len().next_multiple_of(ALIGNMENT as usize);
            bytes.resize(at, 0);
            bytes.extend_from_slice(&launch.params);
            at as u32
        });
        offsets.push(Some(at));
    }
    if bytes.is_empty() {
        return Ok(Params { raw: None, offsets });
    }
    bytes.resize(bytes.len().next_multiple_of(16), 0);
    let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
    let raw = gpu.create_raw("tilewright plan params", bytes.len() as u64, usage)?;
    gpu.queue.write_buffer(&raw, 0, &bytes);
    Ok(Params { raw: Some(raw), offsets })
}
