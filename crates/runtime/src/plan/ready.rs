//! A step with its memory, parameters and bind group: all that a run hands to wgpu.

use std::collections::HashMap;

use super::memory::ALIGNMENT;
use crate::{
    bind_groups,
    buffer::Buffer,
    command::Command,
    context::Context,
    dispatch::padded,
    error::Result,
    pipeline::Pipeline,
    recording::{Launch, Step},
};

pub(crate) enum Ready {
    Launch {
        pipeline: Pipeline,
        bind_group: wgpu::BindGroup,
        offset: Option<u32>,
        grid: [u32; 3],
        op: String,
        bound: Vec<(u32, Place)>,
        views: Vec<(u32, wgpu::TextureView)>,
        params: Option<wgpu::Buffer>,
        stage: Stage,
    },
    Copy {
        from: Place,
        from_offset: u64,
        to: Place,
        to_offset: u64,
        size: u64,
    },
}

/// Where in a run a launch belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It fills that input from something else, before all others.
    Fill(usize),
    Body,
    /// It carries that output elsewhere, after all others.
    Drain(usize),
}

/// Memory of a step.
#[derive(Clone)]
pub(crate) struct Place {
    pub raw: wgpu::Buffer,
    pub offset: u64,
    pub size: u64,
    /// The input or output of the plan that it is.
    pub role: Option<Role>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Input(usize),
    Output(usize),
}

impl Place {
    pub fn whole(buffer: &Buffer, role: Option<Role>) -> Self {
        Self {
            raw: buffer.raw().clone(),
            offset: 0,
            size: padded(buffer.size()).min(buffer.raw().size()),
            role,
        }
    }
}

impl Ready {
    /// Whether it belongs there in a run.
    pub fn is(&self, stage: Stage) -> bool {
        match self {
            Self::Launch { stage: own, .. } => *own == stage,
            Self::Copy { .. } => stage == Stage::Body,
        }
    }

    /// The memory that it binds or copies.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        let (bound, copied) = match self {
            Self::Launch { bound, .. } => (&bound[..], [None, None]),
            Self::Copy { from, to, .. } => (&[][..], [Some(from), Some(to)]),
        };
        bound.iter().map(|(_, place)| place).chain(copied.into_iter().flatten())
    }

    pub fn command(&self) -> Command {
        match self {
            Self::Launch { pipeline, bind_group, offset, grid, op, .. } => Command::Dispatch {
                pipeline: pipeline.clone(),
                bind_group: bind_group.clone(),
                offset: *offset,
                grid: *grid,
                op: op.clone(),
            },
            Self::Copy { from, from_offset, to, to_offset, size } => Command::Copy {
                from: from.raw.clone(),
                from_offset: from.offset + from_offset,
                to: to.raw.clone(),
                to_offset: to.offset + to_offset,
                size: *size,
            },
        }
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

/// The bind group of a launch.
///
/// # Errors
/// Where a texture cannot be bound.
pub(crate) fn bind(
    context: &Context,
    pipeline: &Pipeline,
    params: Option<&wgpu::Buffer>,
    bound: &[(u32, Place)],
    views: &[(u32, wgpu::TextureView)],
) -> Result<wgpu::BindGroup> {
    let gpu = context.gpu();
    let most = gpu.limits.max_storage_buffer_binding_size;
    let mut entries: Vec<_> = bound
        .iter()
        .map(|(binding, place)| bind_groups::entry(*binding, &place.raw, place.offset, place.size.min(most)))
        .collect();
    let uniform = pipeline.reflection().bindings.iter().find_map(|binding| match binding.kind {
        tilewright_shaders::BindingKind::Uniform(size) => Some((binding.index, u64::from(size))),
        _ => None,
    });
    if let (Some((binding, size)), Some(buffer)) = (uniform, params) {
        entries.push(bind_groups::entry(binding, buffer, 0, size));
    }
    context.recorder().bind_groups.made += 1;
    if !views.is_empty() {
        return bind_groups::checked(gpu, pipeline, entries, views);
    }
    Ok(gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some(pipeline.label()),
        layout: pipeline.layout(),
        entries: &entries,
    }))
}

/// A launch whose buffers lie at `place`, ready to run.
pub(crate) fn ready_launch(
    context: &Context,
    launch: Launch,
    params: Option<&wgpu::Buffer>,
    offset: Option<u32>,
    stage: Stage,
    place: impl Fn(&Buffer) -> Place,
) -> Result<Ready> {
    let numbers = launch.storage().map(|(index, _)| index);
    let bound: Vec<_> = numbers.zip(launch.buffers.iter().map(place)).collect();
    let textures = launch.textures.iter().map(|texture| texture.view().clone());
    let views: Vec<_> = launch.texture_bindings().zip(textures).collect();
    let bind_group = bind(context, &launch.pipeline, params, &bound, &views)?;
    let (pipeline, grid, op) = (launch.pipeline, launch.grid, launch.op);
    Ok(Ready::Launch { pipeline, bind_group, offset, grid, op, bound, views, params: params.cloned(), stage })
}
