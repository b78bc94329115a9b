//! The device's own copy between buffers.

use crate::{
    buffer::Buffer,
    command::Command,
    context::Context,
    error::{Error, Result},
};

impl Context {
    /// Whether [`Self::copy`] takes these two: different memory with the usages of a copy, which an application's buffers may
    /// lack.
    pub fn can_copy(&self, from: &Buffer, to: &Buffer) -> bool {
        !from.shares(to)
            && from.require_usage(wgpu::BufferUsages::COPY_SRC).is_ok()
            && to.require_usage(wgpu::BufferUsages::COPY_DST).is_ok()
    }

    /// Records the device's own copy of `size` bytes between two buffers; offsets and size are multiples of 4.
    ///
    /// # Errors
    /// [`Error::Launch`] for a range outside a buffer, an offset between words, or what [`Self::can_copy`] refuses.
    pub fn copy(
        &self,
        from: &Buffer,
        from_offset: u64,
        to: &Buffer,
        to_offset: u64,
        size: u64,
    ) -> Result<()> {
        let gpu = self.gpu();
        gpu.check_fault()?;
        from.require_home(gpu, "copy")?;
        to.require_home(gpu, "copy")?;
        let inside = |offset: u64, buffer: &Buffer| {
            offset.is_multiple_of(4)
                && offset.checked_add(size).is_some_and(|end| end <= buffer.size().next_multiple_of(4))
        };
        if !size.is_multiple_of(4)
            || !inside(from_offset, from)
            || !inside(to_offset, to)
            || !self.can_copy(from, to)
        {
            let reason = format!(
                "a copy of {size} bytes from {from_offset} ({}) to {to_offset} ({}) is not possible",
                from.describe(),
                to.describe()
            );
            return Err(Error::Launch { kernel: "copy".to_owned(), reason });
        }
        if let Some(recording) = self.current_recording() {
            recording.copy(from, from_offset, to, to_offset, size);
            return Ok(());
        }
        from.require_backed("copy")?;
        to.require_backed("copy")?;
        let (from_offset, to_offset) = (from.offset() + from_offset, to.offset() + to_offset);
        let (from, to) = (from.raw().clone(), to.raw().clone());
        self.recorder().push(Command::Copy { from, from_offset, to, to_offset, size })
    }
}
