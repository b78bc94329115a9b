//! The memory of a context: buffers from the pool and back to it.

use std::sync::{Arc, OnceLock};

use crate::{
    buffer::{Buffer, Shared},
    context::Context,
    error::{Error, Result},
    guard::{self, GUARD_BYTES, QUARANTINE},
    lock::lock,
    options::Mode,
    peak::{Peak, Watch},
    pool::{MemoryReport, size_class},
};

impl Context {
    /// A buffer of `size` bytes with unspecified contents (poison in checked mode).
    ///
    /// # Errors
    /// [`Error::Limit`] above the device's largest buffer, [`Error::OutOfMemory`] when the device has no more.
    pub fn alloc(&self, size: u64) -> Result<Buffer> {
        let gpu = self.gpu();
        gpu.check_fault()?;
        let checked = gpu.mode == Mode::Checked;
        let guard = if checked { GUARD_BYTES } else { 0 };
        let largest = gpu.limits.max_buffer_size;
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
        if self.is_recording() {
            return Ok(Buffer::unbacked(gpu.placeholder.clone(), size, Arc::downgrade(gpu)));
        }
        self.settle_quarantine()?;
        let class = size_class(size.max(16) + guard).min(largest & !15);
        let buffer = self.take(size, class, checked, checked)?;
        if checked {
            self.write_raw(&buffer, &guard::pattern(size, class))?;
        }
        Ok(buffer)
    }

    /// A buffer of exactly `size` bytes with unspecified contents and no sentinel: the pooled memory of a plan.
    pub(crate) fn alloc_exact(&self, size: u64) -> Result<Buffer> {
        self.gpu().check_fault()?;
        self.take(size, size, false, true)
    }

    /// Memory of `class` bytes from the pool, or of a little more unless it must be `exact`, or new.
    fn take(&self, size: u64, class: u64, guarded: bool, exact: bool) -> Result<Buffer> {
        let gpu = self.gpu();
        let pooled = lock(&gpu.pool).take(class, exact);
        let raw = match pooled {
            Some(raw) => raw,
            None => {
                let usage =
                    wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
                let raw = match gpu.create_raw("tilewright", class, usage) {
                    Err(Error::OutOfMemory { .. }) => {
                        // What is kept for reuse in other classes may make the room.
                        self.recorder().flush()?;
                        gpu.wait(None)?;
                        self.recorder().bind_groups.clear();
                        lock(&gpu.pool).trim();
                        gpu.create_raw("tilewright", class, usage)?
                    }
                    other => other?,
                };
                lock(&gpu.pool).count_new(class);
                raw
            }
        };
        let shape = Arc::new(OnceLock::new());
        if let Some(watch) = &mut lock(&gpu.pool).watch {
            watch.take(&raw, &shape);
        }
        Ok(Buffer(Arc::new(Shared {
            raw,
            size,
            part_of: None,
            home: Some(Arc::downgrade(gpu)),
            shape,
            backed: true,
            guarded,
        })))
    }

    /// Verifies retired buffers when many wait for it. A drop cannot fail, so that what one finds comes out here; it stays a
    /// fault of the context.
    fn settle_quarantine(&self) -> Result<()> {
        let gpu = self.gpu();
        if lock(&gpu.quarantine).len() <= QUARANTINE {
            return Ok(());
        }
        let outcome = self.verify_retired();
        if let Err(error) = &outcome {
            gpu.keep_fault(error.clone());
        }
        outcome
    }

    /// A buffer that holds `bytes`.
    pub fn upload(&self, bytes: &[u8]) -> Result<Buffer> {
        // What the host knows is memory at once, in a recording too: there it is a constant.
        let buffer = self.eager().alloc(bytes.len() as u64)?;
        self.write(&buffer, bytes)?;
        Ok(buffer)
    }

    /// Overwrites the start of `buffer`, in order with what is recorded.
    pub fn write(&self, buffer: &Buffer, bytes: &[u8]) -> Result<()> {
        buffer.require_home(self.gpu(), "write")?;
        buffer.require_backed("write")?;
        buffer.require_usage(wgpu::BufferUsages::COPY_DST)?;
        if bytes.len() as u64 > buffer.size() {
            return Err(Error::TransferSize { bytes: bytes.len() as u64, size: buffer.size() });
        }
        if bytes.len().is_multiple_of(4) {
            return self.write_raw(buffer, bytes);
        }
        let mut padded = bytes.to_vec();
        padded.resize(bytes.len().next_multiple_of(4), 0);
        self.write_raw(buffer, &padded)
    }

    fn write_raw(&self, buffer: &Buffer, bytes: &[u8]) -> Result<()> {
        // `write_buffer` runs before the next submission: earlier commands must be submitted first.
        let gpu = self.gpu();
        self.recorder().flush()?;
        gpu.queue.write_buffer(buffer.raw(), buffer.offset(), bytes);
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
            return Err(Error::Wrap {
                reason: format!("its size must be a multiple of 4 bytes, and is {size}"),
            });
        }
        let buffer = Buffer(Arc::new(Shared {
            raw,
            size,
            part_of: None,
            home: None,
            shape: Arc::default(),
            backed: true,
            guarded: false,
        }));
        buffer.require_usage(wgpu::BufferUsages::STORAGE)?;
        Ok(buffer)
    }

    /// `size` bytes of `buffer` from `offset` on as a buffer that kernels read, without a copy: for memory that is there, not a
    /// recording's, and an offset at which the device binds. `None` where that is not so.
    pub fn part(&self, buffer: &Buffer, offset: u64, size: u64) -> Option<Buffer> {
        let alignment = u64::from(self.limits().min_storage_buffer_offset_alignment);
        let inside = offset.checked_add(size).is_some_and(|end| end <= buffer.size());
        let bound = buffer.offset().checked_add(offset)?.is_multiple_of(alignment);
        (buffer.is_backed() && size > 0 && inside && bound).then(|| buffer.range(offset, size))
    }

    /// What the pool holds.
    pub fn memory(&self) -> MemoryReport {
        lock(&self.gpu().pool).report
    }

    /// Lets the high-water marks of [`Self::memory`] begin anew, from what is held now.
    pub fn reset_memory_peaks(&self) {
        lock(&self.gpu().pool).reset_peaks();
    }

    /// Keeps a note of every buffer that is taken from now on, for [`Self::memory_peak`].
    pub fn watch_memory(&self) {
        let mut pool = lock(&self.gpu().pool);
        pool.watch = Some(Watch::begin(pool.report.live));
    }

    /// Says, where memory is watched, which part of the program the buffers are for that will be taken: "forward".
    pub fn name_memory(&self, part: &str) {
        if let Some(watch) = &mut lock(&self.gpu().pool).watch {
            watch.name_part(part);
        }
    }

    /// Says, where memory is watched, which operation will take buffers.
    pub fn name_operation(&self, operation: &str) {
        if let Some(watch) = &mut lock(&self.gpu().pool).watch {
            watch.name_operation(operation);
        }
    }

    /// What was held at the moment of [`MemoryReport::live_high_water`]; nothing without [`Self::watch_memory`].
    pub fn memory_peak(&self) -> Option<Peak> {
        lock(&self.gpu().pool).watch.as_ref().map(Watch::at_peak)
    }

    /// Frees the buffers that are kept for reuse.
    pub fn trim(&self) -> Result<()> {
        self.synchronize()?;
        guard::release_quarantine(self.gpu())?;
        self.recorder().bind_groups.clear();
        lock(&self.gpu().pool).trim();
        Ok(())
    }
}
