//! Where the steps of a plan find their buffers: named once in the plan, looked up in the memory of each replay.

use crate::{buffer::Buffer, dispatch::padded};

/// An input or output of a plan.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Input(usize),
    Output(usize),
}

/// Memory of a step.
#[derive(Clone)]
pub(crate) enum Place {
    /// A part of a pooled buffer.
    Pool { pool: usize, offset: u64, size: u64 },
    /// An input or output.
    Port { role: Role, size: u64 },
    /// Memory that all replays share: a constant.
    Shared(Buffer),
}

impl Place {
    /// The input or output that it is.
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::Port { role, .. } => Some(*role),
            _ => None,
        }
    }
}

/// Bytes of a buffer.
pub(crate) struct Range<'a> {
    pub raw: &'a wgpu::Buffer,
    pub offset: u64,
    pub size: u64,
}

impl<'a> Range<'a> {
    /// As kernels see a buffer of that logical size, from its start.
    pub fn whole(buffer: &'a Buffer, size: u64) -> Self {
        let offset = buffer.offset();
        Self { raw: buffer.raw(), offset, size: padded(size).min(buffer.raw().size() - offset) }
    }
}

/// The memory of one replay.
pub(crate) struct Memory {
    pub pools: Vec<Buffer>,
    pub inputs: Vec<Buffer>,
    pub outputs: Vec<Buffer>,
}

impl Memory {
    /// The bytes at `place`.
    pub fn range<'a>(&'a self, place: &'a Place) -> Range<'a> {
        match place {
            Place::Pool { pool, offset, size } => {
                Range { raw: self.pools[*pool].raw(), offset: *offset, size: *size }
            }
            Place::Port { role: Role::Input(at), size } => Range::whole(&self.inputs[*at], *size),
            Place::Port { role: Role::Output(at), size } => Range::whole(&self.outputs[*at], *size),
            Place::Shared(buffer) => Range::whole(buffer, buffer.size()),
        }
    }
}
