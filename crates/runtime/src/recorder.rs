//! Collects commands and submits them in batches: one encoder, one compute pass for each run of dispatches.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    bind_groups::BindGroups, command::Command, error::Result, gpu::Gpu, profile::Profile, profiler::Profiler,
};

/// The uniforms of one batch lie in one buffer.
const PARAMS_BYTES: u64 = 256 * 1024;
/// Commands in a batch. Small enough for the device to start while more are recorded.
const BATCH: usize = 64;
/// Submissions that may wait on the device. It bounds the staging memory of uploads.
const IN_FLIGHT: usize = 8;

pub(crate) struct Recorder {
    gpu: Arc<Gpu>,
    commands: Vec<Command>,
    params_buffer: wgpu::Buffer,
    params_bytes: Vec<u8>,
    alignment: usize,
    in_flight: VecDeque<wgpu::SubmissionIndex>,
    profiler: Option<Profiler>,
    pub bind_groups: BindGroups,
    pub submissions: u64,
}

impl Recorder {
    pub fn new(gpu: Arc<Gpu>) -> Self {
        let params_buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("tilewright params"),
            size: PARAMS_BYTES,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Self {
            commands: Vec::new(),
            params_buffer,
            params_bytes: Vec::new(),
            alignment: gpu.limits.min_uniform_buffer_offset_alignment.max(16) as usize,
            in_flight: VecDeque::new(),
            profiler: None,
            bind_groups: BindGroups::default(),
            submissions: 0,
            gpu,
        }
    }

    pub fn params(&self) -> &wgpu::Buffer {
        &self.params_buffer
    }

    /// Times every dispatch from now on.
    ///
    /// # Errors
    /// [`Error::Device`](crate::error::Error::Device) if the device has no timestamp queries.
    pub fn start_profile(&mut self) -> Result<()> {
        self.profiler = Some(Profiler::new(&self.gpu)?);
        Ok(())
    }

    /// Ends the timing; what was timed.
    pub fn finish_profile(&mut self) -> Profile {
        self.profiler.take().map(Profiler::finish).unwrap_or_default()
    }

    /// Whether dispatches are timed.
    pub fn is_profiling(&self) -> bool {
        self.profiler.is_some()
    }

    /// Keeps `bytes` for the batch and says where they will lie.
    pub fn push_params(&mut self, bytes: &[u8]) -> Result<u32> {
        let mut at = self.params_bytes.len().next_multiple_of(self.alignment);
        if (at + bytes.len()) as u64 > PARAMS_BYTES {
            self.flush()?;
            at = 0;
        }
        self.params_bytes.resize(at, 0);
        self.params_bytes.extend_from_slice(bytes);
        Ok(at as u32)
    }

    pub fn push(&mut self, command: Command) -> Result<()> {
        self.commands.push(command);
        if self.commands.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    /// What was submitted last.
    pub fn last_submission(&self) -> Option<wgpu::SubmissionIndex> {
        self.in_flight.back().cloned()
    }

    /// Submits what is recorded.
    pub fn flush(&mut self) -> Result<()> {
        if self.commands.is_empty() {
            return Ok(());
        }
        let commands = std::mem::take(&mut self.commands);
        if !self.params_bytes.is_empty() {
            let padded = self.params_bytes.len().next_multiple_of(4);
            self.params_bytes.resize(padded, 0);
            self.gpu.queue.write_buffer(&self.params_buffer, 0, &self.params_bytes);
            self.params_bytes.clear();
        }
        let mut encoder = self
            .gpu
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("tilewright") });
        if let Some(profiler) = &mut self.profiler {
            for command in &commands {
                profiler.record(&mut encoder, command);
            }
            profiler.resolve(&mut encoder);
        } else {
            let mut at = 0;
            while at < commands.len() {
                if let Command::Copy { from, from_offset, to, to_offset, size } = &commands[at] {
                    encoder.copy_buffer_to_buffer(from, *from_offset, to, *to_offset, Some(*size));
                    at += 1;
                    continue;
                }
                let mut pass = encoder.begin_compute_pass(&Default::default());
                while let Some(Command::Dispatch { pipeline, bind_group, offset, grid: [x, y, z], .. }) =
                    commands.get(at)
                {
                    pass.set_pipeline(pipeline.raw());
                    pass.set_bind_group(0, bind_group, offset.as_slice());
                    pass.dispatch_workgroups(*x, *y, *z);
                    at += 1;
                }
            }
        }
        let index = self.gpu.queue.submit([encoder.finish()]);
        if let Some(profiler) = &mut self.profiler {
            profiler.collect(&self.gpu, index.clone())?;
        }
        self.after_submit(index)
    }

    /// Submits what is recorded, then commands that were encoded elsewhere.
    pub fn submit(&mut self, commands: wgpu::CommandBuffer) -> Result<()> {
        self.flush()?;
        let index = self.gpu.queue.submit([commands]);
        self.after_submit(index)
    }

    fn after_submit(&mut self, index: wgpu::SubmissionIndex) -> Result<()> {
        self.submissions += 1;
        self.in_flight.push_back(index);
        if self.in_flight.len() > IN_FLIGHT
            && let Some(oldest) = self.in_flight.pop_front()
        {
            self.gpu.wait(Some(oldest))?;
        }
        self.gpu.check_fault()
    }
}
