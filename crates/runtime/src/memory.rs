//! The memory of a context: buffers from the pool and back to it.

use std::sync::{Arc, OnceLock};

use crate::{
    Buffer, Context, Error, MemoryReport, Mode, Result,
    buffer::Shared,
    context::{Inner, lock},
    guard::{self, GUARD_BYTES, QUARANTINE},
    pool::size_class,
};

impl Context {
    /// A buffer of `size` bytes with unspecified contents (poison in checked mode).
    ///
    /// # Errors
    /// [`Error::Limit`] above the device's largest buffer, [`Error::OutOfMemory`] when the device has no more.
    pub fn alloc(&self, size: u64) -> Result<Buffer> {
        let inner = &*self.inner;
        inner.check_fault()?;
        let checked = inner.mode == Mode::Checked;
        let guard = if checked { GUARD_BYTES } else { 0 };
        let largest = inner.limits.max_buffer_size;
        // Room for the sentinel, which begins at a multiple of 16.
        let most = (largest - guard.min(largest)) & !15;
        if size > most {
            return Err(Error::Limit {
                op: "alloc".to_owned(),
                what: "a buffer (in bytes)",
                needed: size,
                limit: most,
                detail: format!("{size} bytes"),
            });
        }
        if self.recording.is_some() {
            return Ok(Buffer::unbacked(inner.placeholder.clone(), size, Arc::downgrade(&self.inner)));
        }
        let class = size_class(size.max(16) + guard).min(largest & !15);
        let pooled = lock(&inner.pool).take(class);
        let raw = match pooled {
            Some(raw) => raw,
            None => {
                let usage =
                    wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
                let raw = match inner.create_raw("tilewright", class, usage) {
                    Err(Error::OutOfMemory { .. }) => {
                        // What is kept for reuse in other classes may make the room.
                        inner.recorder().flush(inner)?;
                        inner.wait(None)?;
                        inner.recorder().bind_groups.clear();
                        lock(&inner.pool).trim();
                        inner.create_raw("tilewright", class, usage)?
                    }
                    other => other?,
                };
                lock(&inner.pool).count_new(class);
                raw
            }
        };
        let buffer = Buffer(Arc::new(Shared {
            raw,
            size,
            home: Some(Arc::downgrade(&self.inner)),
            shape: OnceLock::new(),
            backed: true,
        }));
        if checked {
            self.write_raw(buffer.raw(), &guard::pattern(size, class))?;
        }
        Ok(buffer)
    }

    /// A buffer that holds `bytes`.
    pub fn upload(&self, bytes: &[u8]) -> Result<Buffer> {
        // What the host knows is memory at once, in a recording too: there it is a constant.
        let buffer = self.with_recording(None).alloc(bytes.len() as u64)?;
        self.write(&buffer, bytes)?;
        Ok(buffer)
    }

    /// Overwrites the start of `buffer`, in order with what is recorded.
    pub fn write(&self, buffer: &Buffer, bytes: &[u8]) -> Result<()> {
        buffer.require_home(&self.inner, "write")?;
        buffer.require_backed("write")?;
        buffer.require_usage(wgpu::BufferUsages::COPY_DST)?;
        if bytes.len() as u64 > buffer.size() {
            return Err(Error::TransferSize { bytes: bytes.len() as u64, size: buffer.size() });
        }
        if bytes.len().is_multiple_of(4) {
            return self.write_raw(buffer.raw(), bytes);
        }
        let mut padded = bytes.to_vec();
        padded.resize(bytes.len().next_multiple_of(4), 0);
        self.write_raw(buffer.raw(), &padded)
    }

    fn write_raw(&self, raw: &wgpu::Buffer, bytes: &[u8]) -> Result<()> {
        // `write_buffer` runs before the next submission: earlier commands must be submitted first.
        let inner = &*self.inner;
        inner.recorder().flush(inner)?;
        inner.queue.write_buffer(raw, 0, bytes);
        Ok(())
    }

    /// The application's own buffer as one of ours, without a copy. It needs `COPY_SRC` to be read and `COPY_DST` to be
    /// written by the host.
    ///
    /// # Errors
    /// [`Error::Wrap`] unless it has the usage `STORAGE` and a size in whole words.
    pub fn wrap(&self, raw: wgpu::Buffer) -> Result<Buffer> {
        let size = raw.size();
        if size == 0 || !size.is_multiple_of(4) {
            return Err(Error::Wrap { reason: format!("its {size} bytes are not whole words of 4") });
        }
        let buffer = Buffer(Arc::new(Shared { raw, size, home: None, shape: OnceLock::new(), backed: true }));
        buffer.require_usage(wgpu::BufferUsages::STORAGE)?;
        Ok(buffer)
    }

    /// What the pool holds.
    pub fn memory(&self) -> MemoryReport {
        lock(&self.inner.pool).report
    }

    /// Frees the buffers that are kept for reuse.
    pub fn trim(&self) -> Result<()> {
        self.synchronize()?;
        self.inner.release_quarantine()?;
        self.inner.recorder().bind_groups.clear();
        lock(&self.inner.pool).trim();
        Ok(())
    }
}

impl Inner {
    /// Makes a buffer; a refusal of the device comes out as an error.
    pub fn create_raw(&self, label: &str, size: u64, usage: wgpu::BufferUsages) -> Result<wgpu::Buffer> {
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let raw = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size,
            usage,
            mapped_at_creation: false,
        });
        let validation = pollster::block_on(validation.pop());
        let memory = pollster::block_on(memory.pop());
        if memory.is_some() {
            let report = lock(&self.pool).report;
            return Err(Error::OutOfMemory { requested: size, live: report.live, pooled: report.pooled });
        }
        validation.map_or(Ok(raw), |error| Err(Error::Device(error.to_string())))
    }

    /// Takes back a buffer whose last owner is gone.
    pub fn retire(&self, raw: wgpu::Buffer, size: u64) {
        if self.mode == Mode::Fast {
            lock(&self.pool).put(raw);
            return;
        }
        let waiting = {
            let mut quarantine = lock(&self.quarantine);
            quarantine.push((raw, size));
            quarantine.len()
        };
        // A drop cannot fail: what verification finds is kept and comes out of the next call. The recorder may be
        // held by this very thread (a temporary dropped inside a launch); then a later drop does the work.
        if waiting > QUARANTINE
            && let Ok(mut recorder) = self.recorder.try_lock()
        {
            let outcome = recorder.flush(self).and_then(|()| self.release_quarantine());
            if let Err(error) = outcome {
                lock(&self.fault).get_or_insert(error);
            }
        }
    }

    /// Verifies the sentinels of retired buffers and puts them back into the pool.
    pub fn release_quarantine(&self) -> Result<()> {
        let waiting = std::mem::take(&mut *lock(&self.quarantine));
        let outcome = guard::verify(self, &waiting);
        let mut pool = lock(&self.pool);
        for (raw, _) in waiting {
            pool.put(raw);
        }
        outcome
    }
}
