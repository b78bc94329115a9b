//! Getting bytes back from the device.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use crate::{Buffer, Context, Error, Mode, Result, context::Inner, guard, recorder::Recorded};

type Outcome = Arc<Mutex<Option<Result<(), String>>>>;

impl Context {
    /// The bytes of `buffer`, after everything recorded so far. Blocks.
    pub fn read(&self, buffer: &Buffer) -> Result<Vec<u8>> {
        let staging = self.copy_to_staging(buffer)?;
        let mut bytes = map_blocking(self.inner(), &staging)?;
        bytes.truncate(buffer.size() as usize);
        self.after_read(buffer)?;
        Ok(bytes)
    }

    /// As [`Self::read`], without blocking the thread: each poll looks whether the device is done.
    pub async fn read_async(&self, buffer: &Buffer) -> Result<Vec<u8>> {
        let staging = self.copy_to_staging(buffer)?;
        let outcome = start_map(&staging);
        let inner = self.inner();
        poll_fn(|context| {
            if let Err(error) = inner.device.poll(wgpu::PollType::Poll) {
                return Poll::Ready(Err(Error::Device(error.to_string())));
            }
            match outcome.lock().unwrap_or_else(PoisonError::into_inner).take() {
                Some(Ok(())) => Poll::Ready(Ok(())),
                Some(Err(reason)) => Poll::Ready(Err(inner.fault_or(reason))),
                None => {
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
            }
        })
        .await?;
        let mut bytes = take_mapped(&staging)?;
        bytes.truncate(buffer.size() as usize);
        self.after_read(buffer)?;
        Ok(bytes)
    }

    fn copy_to_staging(&self, buffer: &Buffer) -> Result<wgpu::Buffer> {
        let inner = self.inner();
        inner.check_fault()?;
        buffer.require_home(inner, "read")?;
        buffer.require_backed("read")?;
        buffer.require_usage(wgpu::BufferUsages::COPY_SRC)?;
        let size = buffer.size().max(4).next_multiple_of(4);
        let staging = inner.create_raw(
            "tilewright readback",
            size,
            wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        )?;
        let mut recorder = inner.recorder();
        recorder.push(
            inner,
            Recorded::Copy {
                from: buffer.raw().clone(),
                from_offset: 0,
                to: staging.clone(),
                to_offset: 0,
                size,
            },
        )?;
        recorder.flush(inner)?;
        Ok(staging)
    }

    fn after_read(&self, buffer: &Buffer) -> Result<()> {
        if self.mode() == Mode::Checked && buffer.0.home.is_some() {
            guard::verify(self.inner(), &[(buffer.raw().clone(), buffer.size())])?;
            self.verify_retired()?;
        }
        Ok(())
    }

    /// Checked mode: fails if a kernel wrote behind a buffer that has been dropped since the last call. (Buffers that
    /// are read back are verified then.)
    pub fn verify_retired(&self) -> Result<()> {
        let inner = self.inner();
        inner.recorder().flush(inner)?;
        inner.release_quarantine()
    }
}

fn start_map(staging: &wgpu::Buffer) -> Outcome {
    let outcome = Outcome::default();
    let sender = outcome.clone();
    staging.slice(..).map_async(wgpu::MapMode::Read, move |result| {
        *sender.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(result.map_err(|error| error.to_string()));
    });
    outcome
}

fn take_mapped(staging: &wgpu::Buffer) -> Result<Vec<u8>> {
    let bytes =
        staging.slice(..).get_mapped_range().map_err(|error| Error::Device(error.to_string()))?.to_vec();
    staging.unmap();
    Ok(bytes)
}

/// Maps `staging` (already filled by a submission) and waits for it.
pub(crate) fn map_blocking(inner: &Inner, staging: &wgpu::Buffer) -> Result<Vec<u8>> {
    let outcome = start_map(staging);
    loop {
        inner.wait(None)?;
        match outcome.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(Ok(())) => return take_mapped(staging),
            Some(Err(reason)) => return Err(inner.fault_or(reason)),
            // Another thread's wait has taken our callback and is about to call it.
            None => {
                inner.check_fault()?;
                std::thread::yield_now();
            }
        }
    }
}
