//! Bind groups, kept for launches that bind the same buffers again.
//!
//! Making and dropping one is most of what a launch costs on the host. The pool hands out the same buffers step after
//! step, so that a training loop or a repeated inference soon makes none.

use std::{collections::HashMap, num::NonZeroU64};

use crate::{
    error::{Error, Result},
    gpu::Gpu,
    pipeline::Pipeline,
};

/// More than a step of a deep network needs; beyond, all are dropped and made anew.
const MOST: usize = 4096;

/// Binding, buffer, offset and size of each entry.
type Bound = Vec<(u32, wgpu::Buffer, u64, u64)>;

#[derive(Default)]
pub(crate) struct BindGroups {
    kept: HashMap<(wgpu::BindGroupLayout, Bound), wgpu::BindGroup>,
    pub made: u64,
}

impl BindGroups {
    /// The bind group of `pipeline` with these buffers; a new one is kept if `keep`.
    pub fn get(
        &mut self,
        device: &wgpu::Device,
        pipeline: &Pipeline,
        bound: Bound,
        keep: bool,
    ) -> wgpu::BindGroup {
        let key = (pipeline.layout().clone(), bound);
        if let Some(found) = self.kept.get(&key) {
            return found.clone();
        }
        self.made += 1;
        let entries: Vec<_> = key
            .1
            .iter()
            .map(|(binding, buffer, offset, size)| entry(*binding, buffer, *offset, *size))
            .collect();
        let made = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(pipeline.label()),
            layout: &key.0,
            entries: &entries,
        });
        drop(entries);
        if keep {
            if self.kept.len() >= MOST {
                self.kept.clear();
            }
            self.kept.insert(key, made.clone());
        }
        made
    }

    /// Lets go of every buffer.
    pub fn clear(&mut self) {
        self.kept.clear();
    }
}

/// `size` bytes of `buffer` from `offset`.
pub(crate) fn entry(binding: u32, buffer: &wgpu::Buffer, offset: u64, size: u64) -> wgpu::BindGroupEntry<'_> {
    let size = NonZeroU64::new(size);
    let resource = wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size });
    wgpu::BindGroupEntry { binding, resource }
}

/// A bind group with textures.
///
/// # Errors
/// [`Error::Texture`] where wgpu refuses it: that a texture is of another device, wgpu alone knows.
pub(crate) fn with_textures(
    gpu: &Gpu,
    pipeline: &Pipeline,
    bound: &[(u32, wgpu::Buffer, u64, u64)],
    views: &[(u32, wgpu::TextureView)],
) -> Result<wgpu::BindGroup> {
    let buffers = bound.iter().map(|(binding, buffer, offset, size)| entry(*binding, buffer, *offset, *size));
    checked(gpu, pipeline, buffers.collect(), views)
}

/// As [`with_textures`], from entries.
pub(crate) fn checked<'a>(
    gpu: &Gpu,
    pipeline: &Pipeline,
    mut entries: Vec<wgpu::BindGroupEntry<'a>>,
    views: &'a [(u32, wgpu::TextureView)],
) -> Result<wgpu::BindGroup> {
    entries.extend(views.iter().map(|(binding, view)| wgpu::BindGroupEntry {
        binding: *binding,
        resource: wgpu::BindingResource::TextureView(view),
    }));
    let scope = gpu.device.push_error_scope(wgpu::ErrorFilter::Validation);
    let made = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some(pipeline.label()),
        layout: pipeline.layout(),
        entries: &entries,
    });
    match pollster::block_on(scope.pop()) {
        None => Ok(made),
        Some(error) => {
            Err(Error::Texture { reason: format!("{error} (does it belong to this context's device?)") })
        }
    }
}
