//! A compiled kernel.

use std::{borrow::Cow, sync::Arc};

use tilewright_shaders::{BindingKind, Reflection, parse, reflect};

use crate::{
    error::{Error, Result},
    gpu::Gpu,
    options::Mode,
    texture,
};

/// A compiled kernel. Cloning shares it.
#[derive(Clone)]
pub struct Pipeline(Arc<Compiled>);

struct Compiled {
    label: String,
    raw: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
    reflection: Reflection,
    /// Every buffer is declared as written, so that one buffer may be bound to it at several places.
    shares_buffers: bool,
}

impl Pipeline {
    /// The kernel's stem, or the label that was given.
    pub fn label(&self) -> &str {
        &self.0.label
    }

    /// Its bindings, workgroup size and `Params`.
    pub fn reflection(&self) -> &Reflection {
        &self.0.reflection
    }

    /// The same for every clone; a context keeps its pipelines, so that none takes another's.
    pub(crate) fn key(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// Whether one buffer may be bound at several places, in ranges that do not meet.
    pub(crate) fn shares_buffers(&self) -> bool {
        self.0.shares_buffers
    }

    pub(crate) fn raw(&self) -> &wgpu::ComputePipeline {
        &self.0.raw
    }

    pub(crate) fn layout(&self) -> &wgpu::BindGroupLayout {
        &self.0.layout
    }
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pipeline({})", self.0.label)
    }
}

/// What a pipeline is made for.
pub(crate) struct Target<'a> {
    pub device: &'a wgpu::Device,
    pub limits: &'a wgpu::Limits,
    pub mode: Mode,
}

impl<'a> Target<'a> {
    pub fn of(gpu: &'a Gpu) -> Self {
        Self { device: &gpu.device, limits: &gpu.limits, mode: gpu.mode }
    }
}

pub(crate) fn compile(
    target: &Target<'_>,
    label: &str,
    wgsl: &str,
    cache: Option<&wgpu::PipelineCache>,
    shares_buffers: bool,
) -> Result<Pipeline> {
    let (mut module, _) = parse(label, wgsl)?;
    let reflection = reflect(label, &module)?;
    if shares_buffers {
        for (_, variable) in module.global_variables.iter_mut() {
            if let naga::AddressSpace::Storage { access } = &mut variable.space {
                *access |= naga::StorageAccess::STORE;
            }
        }
    }
    check_limits(target.limits, label, &reflection)?;
    let mut entries = Vec::with_capacity(reflection.bindings.len());
    for binding in &reflection.bindings {
        let ty = binding_type(binding.kind, shares_buffers)
            .map_err(|reason| Error::Launch { kernel: label.to_owned(), reason })?;
        let (binding, visibility) = (binding.index, wgpu::ShaderStages::COMPUTE);
        entries.push(wgpu::BindGroupLayoutEntry { binding, visibility, ty, count: None });
    }
    let device = target.device;
    let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
    let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let layout = device
        .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(label), entries: &entries });
    let descriptor = wgpu::ShaderModuleDescriptor {
        label: Some(label),
        source: wgpu::ShaderSource::Naga(Cow::Owned(module)),
    };
    let module = match target.mode {
        // Safety: the kernels of this workspace guard their own indices (the same text is swept in checked mode with
        // sentinels), and every loop in them ends.
        Mode::Fast => unsafe {
            device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
        },
        Mode::Checked => device.create_shader_module(descriptor),
    };
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(label),
        bind_group_layouts: &[Some(&layout)],
        immediate_size: 0,
    });
    let raw = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(label),
        layout: Some(&pipeline_layout),
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions {
            zero_initialize_workgroup_memory: target.mode == Mode::Checked,
            ..Default::default()
        },
        cache,
    });
    let validation = pollster::block_on(validation.pop());
    let internal = pollster::block_on(internal.pop());
    if let Some(error) = validation.or(internal) {
        return Err(Error::Pipeline { kernel: label.to_owned(), reason: error.to_string() });
    }
    Ok(Pipeline(Arc::new(Compiled { label: label.to_owned(), raw, layout, reflection, shares_buffers })))
}

fn binding_type(kind: BindingKind, shares_buffers: bool) -> Result<wgpu::BindingType, String> {
    let buffer =
        |ty, has_dynamic_offset| wgpu::BindingType::Buffer { ty, has_dynamic_offset, min_binding_size: None };
    Ok(match kind {
        // Where the parameters lie changes with each launch; what is bound may stay.
        BindingKind::Uniform(_) => buffer(wgpu::BufferBindingType::Uniform, true),
        BindingKind::ReadOnly => {
            buffer(wgpu::BufferBindingType::Storage { read_only: !shares_buffers }, false)
        }
        BindingKind::ReadWrite => buffer(wgpu::BufferBindingType::Storage { read_only: false }, false),
        BindingKind::Texture => wgpu::BindingType::Texture {
            // Texels are loaded, never filtered, so that 32-bit floats may be bound too.
            sample_type: wgpu::TextureSampleType::Float { filterable: false },
            view_dimension: wgpu::TextureViewDimension::D2Array,
            multisampled: false,
        },
        BindingKind::StorageTexture(format) => wgpu::BindingType::StorageTexture {
            access: wgpu::StorageTextureAccess::WriteOnly,
            format: texture::storage_format(format)
                .ok_or_else(|| format!("storage textures of {format:?} are not written"))?,
            view_dimension: wgpu::TextureViewDimension::D2Array,
        },
    })
}

fn check_limits(limits: &wgpu::Limits, label: &str, reflection: &Reflection) -> Result<()> {
    let [x, y, z] = reflection.workgroup_size;
    let storage = reflection.bindings.iter().filter(|b| b.kind.is_buffer()).count();
    for (what, needed, limit) in [
        ("threads in a workgroup", x * y * z, limits.max_compute_invocations_per_workgroup),
        (
            "workgroup memory (in bytes)",
            reflection.workgroup_bytes,
            limits.max_compute_workgroup_storage_size,
        ),
        ("storage buffers", storage as u32, limits.max_storage_buffers_per_shader_stage),
    ] {
        if needed > limit {
            return Err(Error::Limit {
                op: label.to_owned(),
                what,
                needed: needed.into(),
                limit: limit.into(),
                detail: format!("workgroup size {x}×{y}×{z}"),
            });
        }
    }
    Ok(())
}
