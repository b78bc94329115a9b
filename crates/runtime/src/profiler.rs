//! GPU time per dispatch, by timestamp queries.

use crate::{
    command::Command,
    error::{Error, Result},
    gpu::Gpu,
    mapping::map_blocking,
    profile::{Profile, ProfiledDispatch},
};

/// Two queries for each dispatch of a batch.
const QUERIES: u32 = 256;

pub(crate) struct Profiler {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    staging: wgpu::Buffer,
    waiting: Vec<(String, String)>,
    done: Vec<ProfiledDispatch>,
}

impl Profiler {
    /// # Errors
    /// [`Error::Device`] if the device has no timestamp queries.
    pub fn new(gpu: &Gpu) -> Result<Self> {
        if !gpu.device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Err(Error::Device(
                "this device has no timestamp queries: profile on another adapter".to_owned(),
            ));
        }
        let size = u64::from(QUERIES) * 8;
        let buffer = |usage| gpu.create_raw("tilewright timestamps", size, usage);
        Ok(Self {
            queries: gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("tilewright timestamps"),
                ty: wgpu::QueryType::Timestamp,
                count: QUERIES,
            }),
            resolved: buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC)?,
            staging: buffer(wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ)?,
            waiting: Vec::new(),
            done: Vec::new(),
        })
    }

    /// What was timed.
    pub fn finish(self) -> Profile {
        Profile { dispatches: self.done }
    }

    pub fn record(&mut self, encoder: &mut wgpu::CommandEncoder, command: &Command) {
        match command {
            Command::Copy { from, from_offset, to, to_offset, size } => {
                encoder.copy_buffer_to_buffer(from, *from_offset, to, *to_offset, Some(*size));
            }
            Command::Dispatch { pipeline, bind_group, offset, grid: [x, y, z], op } => {
                let query = self.waiting.len() as u32 * 2;
                debug_assert!(query < QUERIES);
                self.waiting.push((op.clone(), pipeline.label().to_owned()));
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                    label: Some(pipeline.label()),
                    timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                        query_set: &self.queries,
                        beginning_of_pass_write_index: Some(query),
                        end_of_pass_write_index: Some(query + 1),
                    }),
                });
                pass.set_pipeline(pipeline.raw());
                pass.set_bind_group(0, bind_group, offset.as_slice());
                pass.dispatch_workgroups(*x, *y, *z);
            }
        }
    }

    pub fn resolve(&self, encoder: &mut wgpu::CommandEncoder) {
        let used = self.waiting.len() as u32 * 2;
        if used > 0 {
            encoder.resolve_query_set(&self.queries, 0..used, &self.resolved, 0);
            encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.staging, 0, Some(u64::from(used) * 8));
        }
    }

    pub fn collect(&mut self, gpu: &Gpu, submitted: wgpu::SubmissionIndex) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let bytes = map_blocking(gpu, &self.staging, Some(submitted))?;
        let period = f64::from(gpu.queue.get_timestamp_period());
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&bytes);
        for ((op, kernel), pair) in self.waiting.drain(..).zip(ticks.chunks_exact(2)) {
            self.done.push(ProfiledDispatch {
                op,
                kernel,
                start_ns: pair[0] as f64 * period,
                duration_ns: pair[1].saturating_sub(pair[0]) as f64 * period,
            });
        }
        Ok(())
    }
}
