//! Bind groups, kept for launches that bind the same buffers again.
//!
//! Making and dropping one is most of what a launch costs on the host. The pool hands out the same buffers step after
//! step, so that a training loop or a repeated inference soon makes none.

use std::collections::HashMap;

use crate::Pipeline;

/// More than a step of a deep network needs; beyond, all are dropped and made anew.
const MOST: usize = 4096;

/// Binding, buffer and size of each entry.
type Bound = Vec<(u32, wgpu::Buffer, u64)>;

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
            .map(|(binding, buffer, size)| wgpu::BindGroupEntry {
                binding: *binding,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer,
                    offset: 0,
                    size: std::num::NonZeroU64::new(*size),
                }),
            })
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
