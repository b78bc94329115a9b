//! Pipelines by specialisation, compiled once per context and, where the adapter can, kept on disk between runs.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
    time::Instant,
};

use tilewright_shaders::Specialisation;

use crate::{
    ahead::Ahead,
    error::{Error, Result},
    files::write_whole,
    gpu::Gpu,
    lock::lock,
    pipeline::{Pipeline, Target, compile},
};

/// The pipelines of a context.
pub(crate) struct Pipelines {
    gpu: Arc<Gpu>,
    ahead: Option<Ahead>,
    cache: Option<wgpu::PipelineCache>,
    file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By the kernel, and whether its bindings may share a buffer.
    by_kernel: HashMap<(Specialisation, bool), Arc<Slot>>,
    made: usize,
    seconds: f64,
    /// Pipelines were made since the cache was read or written.
    grown: bool,
}

/// The place of a pipeline. It is compiled under its own lock: who needs another one does not wait.
#[derive(Default)]
struct Slot {
    pipeline: OnceLock<Pipeline>,
    making: Mutex<()>,
}

impl Pipelines {
    pub fn new(gpu: Arc<Gpu>, ahead: Option<Ahead>, folder: Option<&Path>) -> Self {
        let key = wgpu::util::pipeline_cache_key(&gpu.info);
        let (mut cache, mut file) = (None, None);
        if let (Some(folder), Some(key)) = (folder, key)
            && gpu.device.features().contains(wgpu::Features::PIPELINE_CACHE)
        {
            let driver = &gpu.info.driver_info;
            let version: String =
                driver.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            let path = folder.join(format!("{key}_{version}.bin"));
            let data = fs::read(&path).ok();
            // Safety: the file is only ever written from `get_data` of a cache with the same key; wgpu checks the
            // header, and `fallback` starts anew if the driver does not accept it.
            cache = Some(unsafe {
                gpu.device.create_pipeline_cache(&wgpu::PipelineCacheDescriptor {
                    label: Some("tilewright"),
                    data: data.as_deref(),
                    fallback: true,
                })
            });
            file = Some(path);
        }
        Self { gpu, ahead, cache, file, state: Mutex::default() }
    }

    /// The pipeline of `kernel`, compiled at its first use; `shares_buffers` is whether one buffer may be bound at several
    /// places.
    pub fn get(&self, kernel: &Specialisation, shares_buffers: bool) -> Result<Pipeline> {
        let key = (kernel.clone(), shares_buffers);
        let slot = lock(&self.state).by_kernel.entry(key).or_default().clone();
        if let Some(found) = slot.pipeline.get() {
            return Ok(found.clone());
        }
        let _making = lock(&slot.making);
        if let Some(found) = slot.pipeline.get() {
            return Ok(found.clone());
        }
        let wgsl = kernel.wgsl()?;
        // First of all: making a pipeline waits for what the queue compiles.
        if let Some(ahead) = &self.ahead {
            ahead.offer(kernel.stem(), &wgsl, shares_buffers);
        }
        let begun = Instant::now();
        let target = Target::of(&self.gpu);
        let made = compile(&target, kernel.stem(), &wgsl, self.cache.as_ref(), shares_buffers)?;
        let seconds = begun.elapsed().as_secs_f64();
        tracing::debug!(%kernel, seconds, "compiled");
        let made = slot.pipeline.get_or_init(|| made).clone();
        let mut state = lock(&self.state);
        state.made += 1;
        state.seconds += seconds;
        state.grown = true;
        Ok(made)
    }

    /// Pipelines compiled so far, and the seconds that took.
    pub fn report(&self) -> (usize, f64) {
        let state = lock(&self.state);
        (state.made, state.seconds)
    }

    /// Pipelines that a second device has compiled ahead of their first launch.
    pub fn compiled_ahead(&self) -> usize {
        self.ahead.as_ref().map_or(0, Ahead::compiled)
    }

    /// Writes the cache if pipelines were made since it was read.
    pub fn save(&self) -> Result<()> {
        let (Some(cache), Some(file)) = (&self.cache, &self.file) else { return Ok(()) };
        if !std::mem::take(&mut lock(&self.state).grown) {
            return Ok(());
        }
        let Some(data) = cache.get_data() else { return Ok(()) };
        write_whole(file, &data).map_err(|error| Error::file(file, &error))
    }
}

impl Drop for Pipelines {
    fn drop(&mut self) {
        if let Err(error) = self.save() {
            tracing::warn!(%error, "the pipeline cache was not written");
        }
    }
}
