//! A piece of device memory that goes back to the pool when its last owner drops it.

use std::sync::{Arc, Weak};

use crate::{
    error::{Error, Result},
    gpu::Gpu,
    peak::Shape,
};

/// Device memory of `size` bytes. Cloning shares it.
#[derive(Clone)]
pub struct Buffer(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub raw: wgpu::Buffer,
    pub size: u64,
    /// The buffer of which this is a range, and where it begins there.
    pub part_of: Option<(Buffer, u64)>,
    /// `None` for a buffer that the application brought: it never enters the pool.
    pub home: Option<Weak<Gpu>>,
    /// Of the tensor that was put here first, for messages.
    pub shape: Shape,
    /// Whether there is memory behind it: not so in a recording, whose plan gives it a place.
    pub backed: bool,
    /// Whether a sentinel lies behind it (in checked mode).
    pub guarded: bool,
}

impl Buffer {
    /// A buffer of a recording.
    pub(crate) fn unbacked(placeholder: wgpu::Buffer, size: u64, home: Weak<Gpu>) -> Self {
        let (home, shape) = (Some(home), Shape::default());
        let (backed, guarded, part_of) = (false, false, None);
        Self(Arc::new(Shared { raw: placeholder, size, part_of, home, shape, backed, guarded }))
    }

    /// `size` bytes of this buffer, which has memory, from `offset` on. It holds that memory as long as it lives.
    pub(crate) fn range(&self, offset: u64, size: u64) -> Self {
        let (raw, home) = (self.0.raw.clone(), self.0.home.clone());
        let part_of = Some((self.whole().clone(), self.offset() + offset));
        let (backed, guarded, shape) = (true, false, Shape::default());
        Self(Arc::new(Shared { raw, size, part_of, home, shape, backed, guarded }))
    }

    /// Where it begins in wgpu's buffer: not at 0 if it is a part of another ([`crate::Context::part`]).
    pub fn offset(&self) -> u64 {
        self.0.part_of.as_ref().map_or(0, |(_, offset)| *offset)
    }

    /// Whether it is a part of another.
    pub(crate) fn is_part(&self) -> bool {
        self.0.part_of.is_some()
    }

    /// The buffer of which it is a part, or itself.
    pub(crate) fn whole(&self) -> &Self {
        self.0.part_of.as_ref().map_or(self, |(whole, _)| whole)
    }

    /// Whether both are of the same buffer of wgpu's.
    pub fn shares(&self, other: &Self) -> bool {
        self.whole().same(other.whole())
    }

    /// Whether there is memory behind it: not so for what was allocated in a recording ([`crate::Context::recording`]).
    pub fn is_backed(&self) -> bool {
        self.0.backed
    }

    /// Fails for a buffer of a recording.
    pub(crate) fn require_backed(&self, op: &str) -> Result<()> {
        if self.0.backed { Ok(()) } else { Err(Error::Unbacked { op: op.to_owned() }) }
    }

    /// The same for every clone of one buffer, and for no other that lives.
    pub fn key(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// The bytes that were asked for.
    pub fn size(&self) -> u64 {
        self.0.size
    }

    /// wgpu's buffer, in which it begins at [`Self::offset`]; at least as large as [`Self::size`]. Flush the context before reading it by other means.
    pub fn raw(&self) -> &wgpu::Buffer {
        &self.0.raw
    }

    /// Notes the shape of what lies here, so that an error can name it. The first note stays.
    pub fn note_shape(&self, shape: &[usize]) {
        let _ = self.0.shape.set(shape.into());
    }

    /// The shape as far as it is known, else the size, in words.
    pub(crate) fn describe(&self) -> String {
        match self.0.shape.get() {
            Some(shape) => format!("shape {shape:?}"),
            None => format!("{} bytes", self.0.size),
        }
    }

    /// Whether both are the same memory.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Fails for memory of another context, which the device would take without a word and read as anything.
    pub(crate) fn require_home(&self, gpu: &Gpu, op: &str) -> Result<()> {
        match &self.0.home {
            Some(home) if !std::ptr::eq(home.as_ptr(), gpu) => Err(Error::OtherContext { op: op.to_owned() }),
            _ => Ok(()),
        }
    }

    /// Fails for an application's buffer that was made without `usage`.
    pub(crate) fn require_usage(&self, usage: wgpu::BufferUsages) -> Result<()> {
        let missing = usage - self.0.raw.usage();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::Wrap { reason: format!("create the buffer with usage {missing:?}") })
    }

    /// How many hold this memory, this one among them. Other threads may change it at any time.
    pub fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// Whether it is memory of its own from the pool: no part of another, not the application's, not a recording's.
    pub fn is_own(&self) -> bool {
        self.0.backed && self.0.part_of.is_none() && self.0.home.is_some()
    }

    /// Whether it is memory of its own that nobody else holds: what lies in it may be written over.
    pub fn is_spare(&self) -> bool {
        self.is_own() && self.is_unique()
    }

    /// Whether nobody else holds this memory.
    pub fn is_unique(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffer({} bytes)", self.0.size)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.backed
            && self.part_of.is_none()
            && let Some(gpu) = self.home.as_ref().and_then(Weak::upgrade)
        {
            gpu.retire(self.raw.clone(), self.guarded.then_some(self.size));
        }
    }
}
