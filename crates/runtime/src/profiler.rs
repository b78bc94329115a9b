//! GPU time per dispatch, by timestamp queries: as a table, and as a trace file that Perfetto opens.

use std::{collections::BTreeMap, fmt, path::Path};

use serde::Serialize;
use serde_json::json;

use crate::{Context, Error, Result, context::Inner, readback, recorder::Recorded, write_whole};

/// Two queries for each dispatch of a batch.
const QUERIES: u32 = 256;

pub(crate) struct Profiler {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    staging: wgpu::Buffer,
    waiting: Vec<(String, String)>,
    done: Vec<ProfiledDispatch>,
}

/// One dispatch that was timed.
#[derive(Clone, Debug, Serialize)]
pub struct ProfiledDispatch {
    /// The operation that the user called.
    pub op: String,
    /// The kernel's stem.
    pub kernel: String,
    /// When it began, in nanoseconds of the device's clock.
    pub start_ns: f64,
    /// How long it took, in nanoseconds.
    pub duration_ns: f64,
}

/// What was timed between `start_profile` and `finish_profile`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Profile {
    /// Every dispatch in the order of submission.
    pub dispatches: Vec<ProfiledDispatch>,
}

/// The dispatches of one operation and kernel together.
#[derive(Clone, Debug, Serialize)]
pub struct ProfileRow {
    /// The operation.
    pub op: String,
    /// The kernel's stem.
    pub kernel: String,
    /// How many dispatches.
    pub count: usize,
    /// Their time together, in milliseconds.
    pub total_ms: f64,
    /// Their part of all the time, from 0 to 1.
    pub share: f64,
}

impl Context {
    /// Begins to time every dispatch. Each gets a pass of its own, so that the whole is slower than without.
    ///
    /// # Errors
    /// [`Error::Device`] if the device has no timestamp queries.
    pub fn start_profile(&self) -> Result<()> {
        let inner = self.inner();
        if !self.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Err(Error::Device(
                "this device has no timestamp queries: profile on another adapter".to_owned(),
            ));
        }
        self.synchronize()?;
        let size = u64::from(QUERIES) * 8;
        let buffer = |usage| inner.create_raw("tilewright timestamps", size, usage);
        let profiler = Profiler {
            queries: inner.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("tilewright timestamps"),
                ty: wgpu::QueryType::Timestamp,
                count: QUERIES,
            }),
            resolved: buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC)?,
            staging: buffer(wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ)?,
            waiting: Vec::new(),
            done: Vec::new(),
        };
        inner.set_profiler(Some(profiler));
        Ok(())
    }

    /// Ends the timing and gives what was timed; empty if it was never begun.
    pub fn finish_profile(&self) -> Result<Profile> {
        self.synchronize()?;
        let profiler = self.inner().set_profiler(None);
        Ok(Profile { dispatches: profiler.map(|profiler| profiler.done).unwrap_or_default() })
    }
}

impl Profiler {
    pub fn record(&mut self, inner: &Inner, encoder: &mut wgpu::CommandEncoder, command: &Recorded) {
        match command {
            Recorded::Copy { from, from_offset, to, to_offset, size } => {
                encoder.copy_buffer_to_buffer(from, *from_offset, to, *to_offset, Some(*size));
            }
            Recorded::Dispatch { pipeline, bind_group, offset, grid: [x, y, z], op } => {
                let query = self.waiting.len() as u32 * 2;
                debug_assert!(
                    query < QUERIES && inner.device.features().contains(wgpu::Features::TIMESTAMP_QUERY)
                );
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

    pub fn collect(&mut self, inner: &Inner) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let bytes = readback::map_blocking(inner, &self.staging)?;
        let period = f64::from(inner.queue.get_timestamp_period());
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

impl Profile {
    /// Totals by operation and kernel, the longest first.
    pub fn rows(&self) -> Vec<ProfileRow> {
        let mut totals: BTreeMap<(&str, &str), (usize, f64)> = BTreeMap::new();
        for dispatch in &self.dispatches {
            let entry = totals.entry((&dispatch.op, &dispatch.kernel)).or_default();
            entry.0 += 1;
            entry.1 += dispatch.duration_ns / 1e6;
        }
        let all: f64 = totals.values().map(|(_, ms)| ms).sum();
        let mut rows: Vec<_> = totals
            .into_iter()
            .map(|((op, kernel), (count, total_ms))| ProfileRow {
                op: op.to_owned(),
                kernel: kernel.to_owned(),
                count,
                total_ms,
                share: if all > 0.0 { total_ms / all } else { 0.0 },
            })
            .collect();
        rows.sort_by(|a, b| b.total_ms.total_cmp(&a.total_ms));
        rows
    }

    /// Writes the trace-event JSON that Perfetto and chrome://tracing open, whole or not at all.
    pub fn write_trace(&self, path: &Path) -> Result<()> {
        let origin = self.dispatches.iter().map(|d| d.start_ns).fold(f64::INFINITY, f64::min);
        let events: Vec<_> = self
            .dispatches
            .iter()
            .map(|d| {
                json!({"name": d.op, "cat": "gpu", "ph": "X", "pid": 1, "tid": 1, "ts": (d.start_ns - origin) / 1e3,
                       "dur": d.duration_ns / 1e3, "args": {"kernel": d.kernel}})
            })
            .collect();
        let text = json!({"traceEvents": events, "displayTimeUnit": "ms"}).to_string();
        write_whole(path, text.as_bytes()).map_err(|error| Error::file(path, &error))
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>7}  {:>10}  {:>6}  {:<28} kernel", "share", "total ms", "count", "operation")?;
        for row in self.rows() {
            writeln!(
                f,
                "{:>6.1}%  {:>10.3}  {:>6}  {:<28} {}",
                row.share * 100.0,
                row.total_ms,
                row.count,
                row.op,
                row.kernel
            )?;
        }
        Ok(())
    }
}
