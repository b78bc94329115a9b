//! The device itself: its queue, limits, faults and memory. Everything else of a context stands on it.

use std::sync::{Arc, Mutex};

use crate::{
    backlog::Backlog,
    error::{Error, Result},
    lock::lock,
    options::Mode,
    pool::Pool,
};

/// A device and its queue, with what is known of them.
pub(crate) struct Gpu {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub info: wgpu::AdapterInfo,
    pub limits: wgpu::Limits,
    pub mode: Mode,
    /// The shapes of cooperative matrices, where the feature is on.
    pub cooperative: Vec<wgpu::CooperativeMatrixProperties>,
    /// Stands for the memory of buffers that have none.
    pub placeholder: wgpu::Buffer,
    pub pool: Mutex<Pool>,
    /// Checked mode: buffers whose last owner is gone, with their logical sizes, until their sentinels are verified.
    pub quarantine: Mutex<Vec<(wgpu::Buffer, u64)>>,
    /// Kernels that the queue has not compiled yet, where somebody compiles them ahead.
    backlog: Option<Arc<Backlog>>,
    fault: Arc<Mutex<Option<Error>>>,
}

impl Gpu {
    pub fn new(
        device: wgpu::Device,
        queue: wgpu::Queue,
        mode: Mode,
        cooperative: Vec<wgpu::CooperativeMatrixProperties>,
        backlog: Option<Arc<Backlog>>,
    ) -> Self {
        let placeholder = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("tilewright placeholder"),
            size: 16,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Self {
            info: device.adapter_info(),
            limits: device.limits(),
            mode,
            cooperative,
            placeholder,
            pool: Mutex::default(),
            quarantine: Mutex::default(),
            backlog,
            fault: Arc::default(),
            device,
            queue,
        }
    }

    /// Keeps the faults that the device reports, for the next call to give. An application's own device is left its own
    /// handlers.
    pub fn handle_faults(&self) {
        let fault = self.fault.clone();
        self.device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            lock(&fault).get_or_insert(Error::Device(error.to_string()));
        }));
        let fault = self.fault.clone();
        self.device.set_device_lost_callback(move |reason, message| {
            *lock(&fault) = Some(Error::DeviceLost { reason: format!("{reason:?}: {message}") });
        });
    }

    /// The fault that the device reported, if any.
    pub fn check_fault(&self) -> Result<()> {
        lock(&self.fault).as_ref().map_or(Ok(()), |error| Err(error.clone()))
    }

    pub fn fault_or(&self, reason: String) -> Error {
        self.check_fault().err().unwrap_or(Error::Device(reason))
    }

    /// Keeps what is wrong, for this call and all that come.
    pub fn keep_fault(&self, error: Error) {
        lock(&self.fault).get_or_insert(error);
    }

    /// Waits until the device is done with that submission, or with all.
    pub fn wait(&self, submission_index: Option<wgpu::SubmissionIndex>) -> Result<()> {
        let all = submission_index.is_none();
        if let Err(error) = self.device.poll(wgpu::PollType::Wait { submission_index, timeout: None }) {
            // A device that is lost took no such submission; that it is lost it says when it is asked for all.
            let lost = self.device.poll(wgpu::PollType::wait_indefinitely()).err();
            return Err(self.fault_or(lost.unwrap_or(error).to_string()));
        }
        if all {
            self.settle();
        }
        Ok(())
    }

    /// Notes that somebody has waited for the device: what it was given is compiled.
    pub fn settle(&self) {
        if let Some(backlog) = &self.backlog {
            backlog.settle();
        }
    }

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

    /// Takes back a buffer whose last owner is gone; with its logical size, if a sentinel lies behind it.
    pub fn retire(&self, raw: wgpu::Buffer, guarded: Option<u64>) {
        match guarded {
            None => lock(&self.pool).put(raw),
            Some(size) => lock(&self.quarantine).push((raw, size)),
        }
    }
}
