//! Getting bytes back from the device.

use crate::{
    buffer::Buffer,
    command::Command,
    context::Context,
    error::Result,
    guard,
    mapping::{map_async, map_blocking},
};

impl Context {
    /// The bytes of `buffer`, after everything recorded so far. Blocks.
    pub fn read(&self, buffer: &Buffer) -> Result<Vec<u8>> {
        let (staging, filled) = self.copy_to_staging(buffer)?;
        let mut bytes = map_blocking(self.gpu(), &staging, filled)?;
        bytes.truncate(buffer.size() as usize);
        self.after_read(buffer)?;
        Ok(bytes)
    }

    /// As [`Self::read`], without blocking the thread: each poll looks whether the device is done.
    pub async fn read_async(&self, buffer: &Buffer) -> Result<Vec<u8>> {
        let (staging, _) = self.copy_to_staging(buffer)?;
        let mut bytes = map_async(self.gpu(), &staging).await?;
        bytes.truncate(buffer.size() as usize);
        self.after_read(buffer)?;
        Ok(bytes)
    }

    /// A copy of `buffer` that can be mapped, and the submission that makes it.
    fn copy_to_staging(&self, buffer: &Buffer) -> Result<(wgpu::Buffer, Option<wgpu::SubmissionIndex>)> {
        let gpu = self.gpu();
        gpu.check_fault()?;
        buffer.require_home(gpu, "read")?;
        buffer.require_backed("read")?;
        buffer.require_usage(wgpu::BufferUsages::COPY_SRC)?;
        let size = buffer.size().max(4).next_multiple_of(4);
        let staging = gpu.create_raw(
            "tilewright readback",
            size,
            wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        )?;
        let mut recorder = self.recorder();
        recorder.push(Command::Copy {
            from: buffer.raw().clone(),
            from_offset: buffer.offset(),
            to: staging.clone(),
            to_offset: 0,
            size,
        })?;
        recorder.flush()?;
        Ok((staging, recorder.last_submission()))
    }

    fn after_read(&self, buffer: &Buffer) -> Result<()> {
        if buffer.0.guarded {
            guard::verify(self.gpu(), &[(buffer.raw().clone(), buffer.size())])?;
            self.verify_retired()?;
        }
        Ok(())
    }

    /// Checked mode: fails if a kernel wrote behind a buffer that has been dropped since the last call. (Buffers that
    /// are read back are verified then.)
    pub fn verify_retired(&self) -> Result<()> {
        let gpu = self.gpu();
        self.recorder().flush()?;
        guard::release_quarantine(gpu)
    }
}
