//! The context: a device with its pipelines and its recorder.

use std::{
    any::Any,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::{
    adapter::{self, device_descriptor},
    ahead::Ahead,
    attachment::Attachments,
    error::{Error, Result},
    gpu::Gpu,
    lock::lock,
    options::{ContextOptions, Mode, Tuning},
    pipelines::Pipelines,
    profile::Profile,
    recorder::Recorder,
    recording::{Recording, Step},
    texture::Texture,
};

/// A device on which kernels run. Cloning shares it; it may be used from several threads.
#[derive(Clone)]
pub struct Context {
    parts: Arc<Parts>,
    /// Where launches are kept instead of run, in a handle made by [`Context::recording`].
    recording: Option<Arc<Recording>>,
    /// Whether launches through this handle go without transformed products: [`Context::exact`].
    exact: bool,
}

/// What all handles of a context share.
struct Parts {
    gpu: Arc<Gpu>,
    pipelines: Pipelines,
    recorder: Mutex<Recorder>,
    attachments: Attachments,
    cache_folder: Option<PathBuf>,
    tuning: Tuning,
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
        let mut descriptor = device_descriptor(&adapter);
        descriptor.required_limits = options.limited(descriptor.required_limits);
        let opened = adapter.request_device(&descriptor).await;
        let (device, queue) = opened.map_err(|error| Error::NoDevice {
            adapter: adapter.get_info().name,
            reason: error.to_string(),
        })?;
        let mut cooperative = adapter.cooperative_matrix_properties();
        if !device.features().contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX) {
            cooperative.clear();
        }
        let ahead = Ahead::new(adapter, options.mode);
        let backlog = ahead.as_ref().map(Ahead::backlog);
        let gpu = Gpu::new(device, queue, options.mode, cooperative, backlog);
        gpu.handle_faults();
        Ok(Self::assemble(gpu, ahead, options))
    }

    /// A context on the application's own device and queue. The application keeps its error handlers; it should
    /// create the device with `Features::SUBGROUP`, `Features::SHADER_F16` and the adapter's limits where it can, for
    /// the quicker kernels. Cooperative matrices are not used: a device does not say which shapes its adapter has.
    pub fn from_device(device: wgpu::Device, queue: wgpu::Queue, options: &ContextOptions) -> Self {
        Self::assemble(Gpu::new(device, queue, options.mode, Vec::new(), None), None, options)
    }

    fn assemble(mut gpu: Gpu, ahead: Option<Ahead>, options: &ContextOptions) -> Self {
        gpu.limits = options.limited(gpu.limits);
        let gpu = Arc::new(gpu);
        let parts = Arc::new(Parts {
            pipelines: Pipelines::new(gpu.clone(), ahead, options.pipeline_cache.as_deref()),
            recorder: Mutex::new(Recorder::new(gpu.clone())),
            attachments: Attachments::default(),
            cache_folder: options.pipeline_cache.clone(),
            tuning: options.tuning,
            gpu,
        });
        Self { parts, recording: None, exact: options.exact }
    }

    /// The device below.
    pub(crate) fn gpu(&self) -> &Arc<Gpu> {
        &self.parts.gpu
    }

    pub(crate) fn recorder(&self) -> MutexGuard<'_, Recorder> {
        lock(&self.parts.recorder)
    }

    pub(crate) fn pipelines(&self) -> &Pipelines {
        &self.parts.pipelines
    }

    pub(crate) fn current_recording(&self) -> Option<&Recording> {
        self.recording.as_deref()
    }

    /// A handle on the same device whose launches are kept for [`Self::plan`] instead of run. Buffers that are allocated
    /// through it have no memory yet; what is uploaded through it is a constant.
    pub fn recording(&self) -> Self {
        Self { parts: self.parts.clone(), recording: Some(Arc::default()), exact: self.exact }
    }

    /// Whether launches through this handle are kept instead of run.
    pub fn is_recording(&self) -> bool {
        self.recording.is_some()
    }

    /// In a recording: names the launches that come, in profiles, after the layer that makes them.
    pub fn set_scope(&self, name: &str) {
        if let Some(recording) = &self.recording {
            recording.set_scope(name);
        }
    }

    /// What this handle of [`Self::recording`] has kept, which it forgets.
    pub(crate) fn take_recorded(&self) -> Vec<Step> {
        self.recording.as_ref().map(|recording| recording.take()).unwrap_or_default()
    }

    /// The handle on which launches run.
    pub fn eager(&self) -> Self {
        Self { parts: self.parts.clone(), recording: None, exact: self.exact }
    }

    /// A handle on the same device for exact products: every term of a sum is an operand times an operand in the operands'
    /// type. Minimal filtering (Winograd), which adds operands before it multiplies, and products of split halves are not
    /// chosen then, forward and backward, and an infinity or a NaN reaches those sums alone that it is a term of. What is
    /// computed from tensors of this handle is on it too.
    pub fn exact(&self) -> Self {
        Self { exact: true, ..self.clone() }
    }

    /// Whether this is a handle of [`Self::exact`].
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// Whether both are the same context.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.parts, &other.parts)
    }

    /// wgpu's device.
    pub fn device(&self) -> &wgpu::Device {
        &self.gpu().device
    }

    /// wgpu's queue.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.gpu().queue
    }

    /// The adapter's name, driver and backend.
    pub fn adapter_info(&self) -> &wgpu::AdapterInfo {
        &self.gpu().info
    }

    /// The device's limits.
    pub fn limits(&self) -> &wgpu::Limits {
        &self.gpu().limits
    }

    /// The device's features.
    pub fn features(&self) -> wgpu::Features {
        self.gpu().device.features()
    }

    /// The shapes and types of cooperative matrices that the device multiplies; empty where it has none.
    pub fn cooperative_matrices(&self) -> &[wgpu::CooperativeMatrixProperties] {
        &self.gpu().cooperative
    }

    /// How much is checked.
    pub fn mode(&self) -> Mode {
        self.gpu().mode
    }

    /// Whether algorithms are chosen by measuring.
    pub fn tuning(&self) -> Tuning {
        self.parts.tuning
    }

    /// Submits what is recorded, without waiting.
    pub fn flush(&self) -> Result<()> {
        self.recorder().flush()
    }

    /// Submits what is recorded and waits until the device is done.
    pub fn synchronize(&self) -> Result<()> {
        self.flush()?;
        self.gpu().wait(None)?;
        self.gpu().check_fault()
    }

    /// Pipelines compiled so far, and the seconds that took.
    pub fn pipeline_report(&self) -> (usize, f64) {
        self.pipelines().report()
    }

    /// Pipelines that a second device has compiled ahead of their first launch so far. It does so where the driver
    /// compiles at that launch, on one thread, and keeps the result in a cache of its own: Mesa's software Vulkan.
    pub fn pipelines_ahead(&self) -> usize {
        self.pipelines().compiled_ahead()
    }

    /// Batches submitted so far.
    pub fn submissions(&self) -> u64 {
        self.recorder().submissions
    }

    /// Bind groups made so far: a loop that settles makes no more.
    pub fn bind_groups_made(&self) -> u64 {
        self.recorder().bind_groups.made
    }

    /// Writes the compiled pipelines to disk, where that was asked for. It happens by itself when the context ends.
    pub fn save_pipelines(&self) -> Result<()> {
        self.pipelines().save()
    }

    /// Begins to time every dispatch. Each gets a pass of its own, so that the whole is slower than without.
    ///
    /// # Errors
    /// [`Error::Device`] if the device has no timestamp queries.
    pub fn start_profile(&self) -> Result<()> {
        self.synchronize()?;
        self.recorder().start_profile()
    }

    /// Ends the timing and gives what was timed; empty if it was never begun.
    pub fn finish_profile(&self) -> Result<Profile> {
        self.synchronize()?;
        Ok(self.recorder().finish_profile())
    }

    /// The value of type `T` that belongs to this context, made at the first call. Nothing is global: two contexts have
    /// two values.
    pub fn attached<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        self.parts.attachments.get()
    }

    /// A file of the cache folder for what holds on this adapter with this driver alone: `NAME_ADAPTER_DRIVER.json`.
    /// `None` where nothing is kept.
    pub fn cache_file(&self, name: &str) -> Option<PathBuf> {
        let info = self.adapter_info();
        let key = format!(
            "{name}_{:?}_{:x}_{:x}_{}_{}_{}",
            info.backend, info.vendor, info.device, info.name, info.driver, info.driver_info
        );
        let file: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        Some(self.parts.cache_folder.as_ref()?.join(format!("{file}.json")))
    }

    /// The application's own texture as an operand: its layers are the images of a batch, of its mip levels the first is
    /// used. It is not copied, and the application goes on using it between runs. It must be of this context's device: for
    /// one of another device of the same [`wgpu::Instance`] the launch is an error, but one of another instance is nothing
    /// that wgpu can tell, and it panics.
    ///
    /// # Errors
    /// [`Error::Texture`] unless it is two-dimensional with one sample for each texel.
    pub fn wrap_texture(&self, raw: wgpu::Texture) -> Result<Texture> {
        Texture::wrap(raw)
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Context({}, {:?})", self.gpu().info.name, self.gpu().mode)
    }
}
