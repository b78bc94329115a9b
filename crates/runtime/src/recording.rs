//! What a recording keeps.

use std::sync::Mutex;

use tilewright_shaders::BindingKind;

use crate::{buffer::Buffer, dispatch::Dispatch, lock::lock, pipeline::Pipeline, texture::Texture};

/// A command that was kept.
pub(crate) enum Step {
    Launch(Launch),
    Copy { from: Buffer, from_offset: u64, to: Buffer, to_offset: u64, size: u64 },
}

/// A launch that fits its kernel and the device.
pub(crate) struct Launch {
    pub pipeline: Pipeline,
    pub params: Vec<u8>,
    /// In the order of the storage bindings.
    pub buffers: Vec<Buffer>,
    /// In the order of the texture bindings.
    pub textures: Vec<Texture>,
    pub groups: u64,
    pub grid: [u32; 3],
    pub op: String,
}

/// The commands of one recording.
#[derive(Default)]
pub(crate) struct Recording {
    steps: Mutex<Vec<Step>>,
    /// Names the launches that come, where it is not empty.
    scope: Mutex<String>,
}

impl Recording {
    pub fn dispatch(
        &self,
        pipeline: &Pipeline,
        dispatch: &Dispatch<'_>,
        textures: &[&Texture],
        grid: [u32; 3],
    ) {
        let scope = lock(&self.scope).clone();
        let launch = Launch {
            pipeline: pipeline.clone(),
            params: dispatch.params.to_vec(),
            buffers: dispatch.buffers.iter().map(|&buffer| buffer.clone()).collect(),
            textures: textures.iter().map(|&texture| texture.clone()).collect(),
            groups: dispatch.groups,
            grid,
            op: if scope.is_empty() { dispatch.op.to_owned() } else { scope },
        };
        lock(&self.steps).push(Step::Launch(launch));
    }

    pub fn copy(&self, from: &Buffer, from_offset: u64, to: &Buffer, to_offset: u64, size: u64) {
        let (from, to) = (from.clone(), to.clone());
        lock(&self.steps).push(Step::Copy { from, from_offset, to, to_offset, size });
    }

    pub fn set_scope(&self, name: &str) {
        name.clone_into(&mut lock(&self.scope));
    }

    pub fn take(&self) -> Vec<Step> {
        std::mem::take(&mut lock(&self.steps))
    }
}

impl Step {
    /// Every buffer, and whether the command may write to it.
    pub fn buffers(&self) -> Vec<(&Buffer, bool)> {
        match self {
            Self::Launch(launch) => {
                let storage = launch.storage().map(|(_, written)| written);
                launch.buffers.iter().zip(storage).collect()
            }
            Self::Copy { from, to, .. } => vec![(from, false), (to, true)],
        }
    }
}

impl Launch {
    /// The number of each storage binding, and whether the kernel may write to it.
    pub fn storage(&self) -> impl Iterator<Item = (u32, bool)> + '_ {
        self.pipeline.reflection().bindings.iter().filter_map(|binding| match binding.kind {
            kind if kind.is_buffer() => Some((binding.index, kind == BindingKind::ReadWrite)),
            _ => None,
        })
    }

    /// The number of each texture binding.
    pub fn texture_bindings(&self) -> impl Iterator<Item = u32> + '_ {
        let bindings = self.pipeline.reflection().bindings.iter();
        bindings.filter(|binding| binding.kind.is_texture()).map(|binding| binding.index)
    }
}
