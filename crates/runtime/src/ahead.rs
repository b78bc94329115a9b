//! Kernels compiled ahead of their first launch, where the driver would leave all but one core idle.
//!
//! Mesa's software driver compiles a kernel when it is first launched, one after the other on the queue's thread. What it
//! has compiled it keeps in its cache on disk, which the devices of a process share. So a thread launches the kernels
//! that wait over no workgroups at all, on a device of its own, the newest first; when the queue comes to them, they are
//! there. On two cores the first step of a network's training waits two thirds as long. Where the first kernels prove to be
//! in the cache from an earlier run, that was all.

use std::{
    env,
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tilewright_shaders::BindingKind;

use crate::{
    adapter::device_descriptor,
    backlog::{Backlog, Job},
    lock::lock,
    options::Mode,
    pipeline::{Target, compile},
};

/// A launch that takes less compiles nothing. The smallest kernels take llvmpipe 20 ms, and one from its cache 2 ms.
const CACHED: Duration = Duration::from_millis(8);

/// If so many kernels, the first, are in the cache, the others will be.
const SAMPLE: usize = 3;

/// Bytes of each stand-in for a kernel's operands. Nothing reads or writes them.
const OPERAND_BYTES: u64 = 4096;

/// The second device of a context, which it opens when there is something to do.
pub(crate) struct Ahead {
    adapter: wgpu::Adapter,
    mode: Mode,
    backlog: Arc<Backlog>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Ahead {
    /// `None` where the driver compiles when a pipeline is made, or keeps nothing, and where no core would idle.
    pub fn new(adapter: wgpu::Adapter, mode: Mode) -> Option<Self> {
        let info = adapter.get_info();
        let mesa = info.device_type == wgpu::DeviceType::Cpu && info.name.starts_with("llvmpipe");
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let caches = !["MESA_SHADER_CACHE_DISABLE", "MESA_GLSL_CACHE_DISABLE"].into_iter().any(is_set);
        (mesa && cores > 1 && caches).then(|| Self {
            adapter,
            mode,
            backlog: Arc::default(),
            thread: Mutex::default(),
        })
    }

    /// The kernels that wait for it.
    pub fn backlog(&self) -> Arc<Backlog> {
        self.backlog.clone()
    }

    /// Notes that a kernel will be launched.
    pub fn offer(&self, label: &str, wgsl: &str, shares_buffers: bool) {
        let job = Job { label: label.to_owned(), wgsl: wgsl.to_owned(), shares_buffers };
        if !self.backlog.push(job) {
            return;
        }
        lock(&self.thread).get_or_insert_with(|| {
            let (backlog, adapter, mode) = (self.backlog.clone(), self.adapter.clone(), self.mode);
            thread::spawn(move || {
                if let Err(error) = work(&backlog, &adapter, mode) {
                    tracing::debug!(%error, "no kernels are compiled ahead");
                }
                backlog.stop();
            })
        });
    }

    /// Kernels compiled so far.
    pub fn compiled(&self) -> usize {
        self.backlog.compiled()
    }
}

impl Drop for Ahead {
    /// Waits for the kernel at hand: a process must not end while a driver compiles.
    fn drop(&mut self) {
        self.backlog.stop();
        if let Some(thread) = lock(&self.thread).take()
            && thread.join().is_err()
        {
            tracing::warn!("the thread that compiles kernels ahead has panicked");
        }
    }
}

/// As Mesa reads its switches.
fn is_set(name: &str) -> bool {
    env::var(name)
        .is_ok_and(|value| matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "t" | "yes" | "y"))
}

fn work(backlog: &Backlog, adapter: &wgpu::Adapter, mode: Mode) -> Result<(), String> {
    let (device, queue) = pollster::block_on(adapter.request_device(&device_descriptor(adapter)))
        .map_err(|error| error.to_string())?;
    // What is wrong with a kernel the context's own device says.
    device.on_uncaptured_error(Arc::new(|error: wgpu::Error| tracing::debug!(%error, "compiling ahead")));
    let limits = device.limits();
    let buffer = |usage| {
        let (size, label) = (OPERAND_BYTES, Some("tilewright ahead"));
        device.create_buffer(&wgpu::BufferDescriptor { label, size, usage, mapped_at_creation: false })
    };
    let uniform = buffer(wgpu::BufferUsages::UNIFORM);
    // One for each binding, since none may be read and written in a launch.
    let mut operands = Vec::new();
    let mut cached = 0;
    while let Some(job) = backlog.next() {
        let target = Target { device: &device, limits: &limits, mode };
        let Ok(pipeline) = compile(&target, &job.label, &job.wgsl, None, job.shares_buffers) else {
            continue;
        };
        let bindings = &pipeline.reflection().bindings;
        if bindings.iter().any(|binding| binding.kind.is_texture()) {
            continue;
        }
        operands.resize_with(operands.len().max(bindings.len()), || buffer(wgpu::BufferUsages::STORAGE));
        let entries: Vec<_> = bindings
            .iter()
            .zip(&operands)
            .map(|(binding, operand)| {
                let (buffer, size) = match binding.kind {
                    BindingKind::Uniform(size) => (&uniform, wgpu::BufferSize::new(size.into())),
                    _ => (operand, None),
                };
                let resource = wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset: 0, size });
                wgpu::BindGroupEntry { binding: binding.index, resource }
            })
            .collect();
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(&job.label),
            layout: pipeline.layout(),
            entries: &entries,
        });
        let offsets: &[u32] =
            if bindings.iter().any(|binding| matches!(binding.kind, BindingKind::Uniform(_))) {
                &[0]
            } else {
                &[]
            };
        let mut encoder = device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(pipeline.raw());
            pass.set_bind_group(0, &group, offsets);
            // No thread runs. The driver compiles what it is asked to launch before it looks how often.
            pass.dispatch_workgroups(0, 0, 0);
        }
        let begun = Instant::now();
        let submission_index = Some(queue.submit([encoder.finish()]));
        device
            .poll(wgpu::PollType::Wait { submission_index, timeout: None })
            .map_err(|error| error.to_string())?;
        cached += usize::from(begun.elapsed() < CACHED);
        if backlog.count_compiled() == SAMPLE && cached == SAMPLE {
            break;
        }
    }
    Ok(())
}
