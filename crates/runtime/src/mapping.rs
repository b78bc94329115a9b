//! The contents of a mapped buffer, waited for or polled.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex},
    task::Poll,
};

use crate::{
    error::{Error, Result},
    gpu::Gpu,
    lock::lock,
};

type Outcome = Arc<Mutex<Option<Result<(), String>>>>;

/// Maps `staging`, which that submission fills, and waits for it: not for what other threads submit after it.
pub(crate) fn map_blocking(
    gpu: &Gpu,
    staging: &wgpu::Buffer,
    filled: Option<wgpu::SubmissionIndex>,
) -> Result<Vec<u8>> {
    let outcome = start_map(staging);
    loop {
        gpu.wait(filled.clone())?;
        match lock(&outcome).take() {
            Some(Ok(())) => {
                gpu.settle();
                return take_mapped(staging);
            }
            Some(Err(reason)) => return Err(gpu.fault_or(reason)),
            // Another thread's wait has taken our callback and is about to call it.
            None => {
                gpu.check_fault()?;
                std::thread::yield_now();
            }
        }
    }
}

/// As [`map_blocking`], without blocking the thread: each poll looks whether the device is done.
pub(crate) async fn map_async(gpu: &Gpu, staging: &wgpu::Buffer) -> Result<Vec<u8>> {
    let outcome = start_map(staging);
    poll_fn(|context| {
        if let Err(error) = gpu.device.poll(wgpu::PollType::Poll) {
            return Poll::Ready(Err(Error::Device(error.to_string())));
        }
        match lock(&outcome).take() {
            Some(Ok(())) => Poll::Ready(Ok(())),
            Some(Err(reason)) => Poll::Ready(Err(gpu.fault_or(reason))),
            None => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    })
    .await?;
    take_mapped(staging)
}

fn start_map(staging: &wgpu::Buffer) -> Outcome {
    let outcome = Outcome::default();
    let sender = outcome.clone();
    staging.slice(..).map_async(wgpu::MapMode::Read, move |result| {
        *lock(&sender) = Some(result.map_err(|error| error.to_string()));
    });
    outcome
}

fn take_mapped(staging: &wgpu::Buffer) -> Result<Vec<u8>> {
    let bytes =
        staging.slice(..).get_mapped_range().map_err(|error| Error::Device(error.to_string()))?.to_vec();
    staging.unmap();
    Ok(bytes)
}
