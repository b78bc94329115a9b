//! The context: a device with its pool, pipelines and recorder.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    ContextOptions, Error, Mode, Result, Tuning, adapter, ahead::Ahead, attachment::Attachments,
    pipeline::Pipelines, plan::Recording, pool::Pool, profiler::Profiler, recorder::Recorder,
};

/// A device on which kernels run. Cloning shares it; it may be used from several threads.
#[derive(Clone)]
pub struct Context {
    pub(crate) inner: Arc<Inner>,
    /// Where launches are kept instead of run, in a handle made by [`Context::recording`].
    pub(crate) recording: Option<Arc<Recording>>,
}

pub(crate) struct Inner {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub info: wgpu::AdapterInfo,
    pub limits: wgpu::Limits,
    pub mode: Mode,
    /// The shapes of cooperative matrices, where the feature is on.
    pub cooperative: Vec<wgpu::CooperativeMatrixProperties>,
    /// Stands for the memory of buffers that have none.
    pub placeholder: wgpu::Buffer,
    pub cache_folder: Option<PathBuf>,
    pub tuning: Tuning,
    pub attachments: Attachments,
    pub pool: Mutex<Pool>,
    pub quarantine: Mutex<Vec<(wgpu::Buffer, u64)>>,
    pipelines: Mutex<Pipelines>,
    pub ahead: Option<Ahead>,
    pub recorder: Mutex<Recorder>,
    profiler: Mutex<Option<Profiler>>,
    pub fault: Arc<Mutex<Option<Error>>>,
}

/// A panic while a lock is held leaves plain data behind; the next user may go on.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Context {
    /// A context on the adapter that the environment names (see [`ContextOptions::from_env`]), or the best there is.
    ///
    /// # Errors
    /// [`Error::NoAdapter`] says how to get one.
    pub fn new() -> Result<Self> {
        Self::with_options(&ContextOptions::from_env()?)
    }

    /// As [`Self::new`], for callers that must not block.
    pub async fn new_async() -> Result<Self> {
        Self::with_options_async(&ContextOptions::from_env()?).await
    }

    /// A context with every choice made by the caller.
    pub fn with_options(options: &ContextOptions) -> Result<Self> {
        pollster::block_on(Self::with_options_async(options))
    }

    /// As [`Self::with_options`], for callers that must not block.
    pub async fn with_options_async(options: &ContextOptions) -> Result<Self> {
        let adapter = adapter::choose(&options.adapter).await?;
        let opened = adapter.request_device(&device_descriptor(&adapter)).await;
        let (device, queue) = opened.map_err(|error| Error::NoDevice {
            adapter: adapter.get_info().name,
            reason: error.to_string(),
        })?;
        let mut cooperative = adapter.cooperative_matrix_properties();
        if !device.features().contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX) {
            cooperative.clear();
        }
        let ahead = Ahead::new(adapter, options.mode);
        let context = Self::assemble(device, queue, cooperative, ahead, options);
        let fault = context.inner.fault.clone();
        context.inner.device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            lock(&fault).get_or_insert(Error::Device(error.to_string()));
        }));
        let fault = context.inner.fault.clone();
        context.inner.device.set_device_lost_callback(move |reason, message| {
            *lock(&fault) = Some(Error::DeviceLost { reason: format!("{reason:?}: {message}") });
        });
        Ok(context)
    }

    /// A context on the application's own device and queue. The application keeps its error handlers; it should
    /// create the device with `Features::SUBGROUP`, `Features::SHADER_F16` and the adapter's limits where it can, for
    /// the quicker kernels. Cooperative matrices are not used: a device does not say which shapes its adapter has.
    pub fn from_device(device: wgpu::Device, queue: wgpu::Queue, options: &ContextOptions) -> Self {
        Self::assemble(device, queue, Vec::new(), None, options)
    }

    fn assemble(
        device: wgpu::Device,
        queue: wgpu::Queue,
        cooperative: Vec<wgpu::CooperativeMatrixProperties>,
        ahead: Option<Ahead>,
        options: &ContextOptions,
    ) -> Self {
        let info = device.adapter_info();
        let pipelines = Pipelines::new(&device, &info, options.pipeline_cache.as_deref());
        let recorder = Recorder::new(&device);
        let placeholder = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("tilewright placeholder"),
            size: 16,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let inner = Arc::new(Inner {
            limits: device.limits(),
            cooperative,
            info,
            mode: options.mode,
            placeholder,
            cache_folder: options.pipeline_cache.clone(),
            tuning: options.tuning,
            attachments: Attachments::default(),
            pool: Mutex::default(),
            quarantine: Mutex::default(),
            pipelines: Mutex::new(pipelines),
            ahead,
            recorder: Mutex::new(recorder),
            profiler: Mutex::new(None),
            fault: Arc::default(),
            device,
            queue,
        });
        Self { inner, recording: None }
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    pub(crate) fn current_recording(&self) -> Option<&Arc<Recording>> {
        self.recording.as_ref()
    }

    pub(crate) fn with_recording(&self, recording: Option<Arc<Recording>>) -> Self {
        Self { inner: self.inner.clone(), recording }
    }

    /// Whether both are the same context.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// wgpu's device.
    pub fn device(&self) -> &wgpu::Device {
        &self.inner.device
    }

    /// wgpu's queue.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.inner.queue
    }

    /// The adapter's name, driver and backend.
    pub fn adapter_info(&self) -> &wgpu::AdapterInfo {
        &self.inner.info
    }

    /// The device's limits.
    pub fn limits(&self) -> &wgpu::Limits {
        &self.inner.limits
    }

    /// The device's features.
    pub fn features(&self) -> wgpu::Features {
        self.inner.device.features()
    }

    /// The shapes and types of cooperative matrices that the device multiplies; empty where it has none.
    pub fn cooperative_matrices(&self) -> &[wgpu::CooperativeMatrixProperties] {
        &self.inner.cooperative
    }

    /// How much is checked.
    pub fn mode(&self) -> Mode {
        self.inner.mode
    }

    /// Submits what is recorded, without waiting.
    pub fn flush(&self) -> Result<()> {
        self.inner.recorder().flush(&self.inner)
    }

    /// Submits what is recorded and waits until the device is done.
    pub fn synchronize(&self) -> Result<()> {
        self.flush()?;
        self.inner.wait(None)?;
        self.inner.check_fault()
    }

    /// Pipelines compiled so far, and the seconds that took.
    pub fn pipeline_report(&self) -> (usize, f64) {
        let pipelines = lock(&self.inner.pipelines);
        (pipelines.len(), pipelines.compile_seconds)
    }

    /// Pipelines that a second device has compiled ahead of their first launch so far. It does so where the driver
    /// compiles at that launch, on one thread, and keeps the result in a cache of its own: Mesa's software Vulkan.
    pub fn pipelines_ahead(&self) -> usize {
        self.inner.ahead.as_ref().map_or(0, Ahead::compiled)
    }

    /// Batches submitted so far.
    pub fn submissions(&self) -> u64 {
        self.inner.recorder().submissions
    }

    /// Bind groups made so far: a loop that settles makes no more.
    pub fn bind_groups_made(&self) -> u64 {
        self.inner.recorder().bind_groups.made
    }

    /// Writes the compiled pipelines to disk, where that was asked for. It happens by itself when the context ends.
    pub fn save_pipelines(&self) -> Result<()> {
        lock(&self.inner.pipelines).save()
    }
}

/// Everything of the adapter that kernels may use.
pub(crate) fn device_descriptor(adapter: &wgpu::Adapter) -> wgpu::DeviceDescriptor<'static> {
    let wanted = wgpu::Features::SUBGROUP
        | wgpu::Features::SHADER_F16
        | wgpu::Features::TIMESTAMP_QUERY
        | wgpu::Features::PIPELINE_CACHE
        | wgpu::Features::SHADER_INT64
        | wgpu::Features::BGRA8UNORM_STORAGE
        | wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX;
    wgpu::DeviceDescriptor {
        label: Some("tilewright"),
        required_features: adapter.features() & wanted,
        required_limits: adapter.limits(),
        memory_hints: wgpu::MemoryHints::Performance,
        // Safety: the only experimental feature asked for is cooperative matrices; kernels that use them are run after a
        // microbenchmark has found their results right on this device, or by name.
        experimental_features: unsafe { wgpu::ExperimentalFeatures::enabled() },
        ..Default::default()
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Context({}, {:?})", self.inner.info.name, self.inner.mode)
    }
}

impl Inner {
    pub fn recorder(&self) -> MutexGuard<'_, Recorder> {
        lock(&self.recorder)
    }

    pub fn pipelines(&self) -> MutexGuard<'_, Pipelines> {
        lock(&self.pipelines)
    }

    pub fn profiler(&self) -> MutexGuard<'_, Option<Profiler>> {
        lock(&self.profiler)
    }

    /// The fault that the device reported, if any.
    pub fn check_fault(&self) -> Result<()> {
        lock(&self.fault).as_ref().map_or(Ok(()), |error| Err(error.clone()))
    }

    pub fn fault_or(&self, reason: String) -> Error {
        self.check_fault().err().unwrap_or(Error::Device(reason))
    }

    pub fn wait(&self, submission_index: Option<wgpu::SubmissionIndex>) -> Result<()> {
        let all = submission_index.is_none();
        self.device
            .poll(wgpu::PollType::Wait { submission_index, timeout: None })
            .map_err(|error| self.fault_or(error.to_string()))?;
        if let (true, Some(ahead)) = (all, &self.ahead) {
            ahead.settle();
        }
        Ok(())
    }

    pub fn set_profiler(&self, profiler: Option<Profiler>) -> Option<Profiler> {
        std::mem::replace(&mut *lock(&self.profiler), profiler)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Err(error) = lock(&self.pipelines).save() {
            tracing::warn!(%error, "the pipeline cache was not written");
        }
    }
}
