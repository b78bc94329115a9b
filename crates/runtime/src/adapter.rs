//! Finding and choosing an adapter.

use std::{convert::Infallible, str::FromStr};

use serde::Serialize;

use crate::error::{Error, Result};

/// Which adapter a context is made on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AdapterChoice {
    /// The quickest: a discrete GPU before an integrated one before software.
    #[default]
    HighPerformance,
    /// An integrated GPU before a discrete one before software.
    LowPower,
    /// The n-th of [`adapters`].
    Index(usize),
    /// The first whose name or driver contains this, whatever the case.
    Name(String),
}

impl FromStr for AdapterChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "" | "high-performance" => Self::HighPerformance,
            "low-power" => Self::LowPower,
            other => other.parse().map_or_else(|_| Self::Name(other.to_owned()), Self::Index),
        })
    }
}

/// An adapter as `tilewright devices` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct AdapterDescription {
    /// Its place in the list, as [`AdapterChoice::Index`] takes it.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// `Vulkan`, `Metal` or `Dx12`.
    pub backend: String,
    /// `DiscreteGpu`, `IntegratedGpu`, `Cpu`, …
    pub kind: String,
    /// The driver's name.
    pub driver: String,
    /// The driver's version.
    pub driver_info: String,
    /// The smallest and largest subgroup.
    pub subgroup_size: [u32; 2],
    /// Whether kernels may use subgroup operations.
    pub subgroups: bool,
    /// Whether WGSL's `f16` is there.
    pub shader_f16: bool,
    /// Whether dispatches can be timed on the device.
    pub timestamps: bool,
    /// Whether compiled pipelines can be kept between runs.
    pub pipeline_cache: bool,
    /// Whether there are cooperative matrices.
    pub cooperative_matrix: bool,
    /// Their shapes and types, as `16x16x16 f16 to f32`.
    pub cooperative_matrices: Vec<String>,
    /// The largest storage binding, in bytes.
    pub max_storage_binding: u64,
    /// The largest buffer, in bytes.
    pub max_buffer: u64,
    /// Workgroup memory, in bytes.
    pub max_workgroup_storage: u32,
    /// Threads in a workgroup.
    pub max_workgroup_threads: u32,
}

/// The adapters of this machine, in wgpu's order. Empty if there is no driver.
pub fn adapters() -> Vec<AdapterDescription> {
    let found = pollster::block_on(instance().enumerate_adapters(wgpu::Backends::all()));
    found.iter().enumerate().map(|(index, adapter)| describe(index, adapter)).collect()
}

pub(crate) fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    // The validation layers are a tool for wgpu's own developers; `WGPU_VALIDATION=1` brings them back.
    descriptor.flags = wgpu::InstanceFlags::empty().with_env();
    wgpu::Instance::new(descriptor)
}

fn describe(index: usize, adapter: &wgpu::Adapter) -> AdapterDescription {
    let info = adapter.get_info();
    let features = adapter.features();
    let limits = adapter.limits();
    AdapterDescription {
        index,
        name: info.name,
        backend: format!("{:?}", info.backend),
        kind: format!("{:?}", info.device_type),
        driver: info.driver,
        driver_info: info.driver_info,
        subgroup_size: [info.subgroup_min_size, info.subgroup_max_size],
        subgroups: features.contains(wgpu::Features::SUBGROUP),
        shader_f16: features.contains(wgpu::Features::SHADER_F16),
        timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
        pipeline_cache: features.contains(wgpu::Features::PIPELINE_CACHE),
        cooperative_matrix: features.contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX),
        cooperative_matrices: adapter
            .cooperative_matrix_properties()
            .iter()
            .map(|found| {
                let [from, to] =
                    [found.ab_type, found.cr_type].map(|scalar| format!("{scalar:?}").to_lowercase());
                format!("{}x{}x{} {from} to {to}", found.m_size, found.n_size, found.k_size)
            })
            .collect(),
        max_storage_binding: limits.max_storage_buffer_binding_size,
        max_buffer: limits.max_buffer_size,
        max_workgroup_storage: limits.max_compute_workgroup_storage_size,
        max_workgroup_threads: limits.max_compute_invocations_per_workgroup,
    }
}

/// The adapter that `choice` names.
pub(crate) async fn choose(choice: &AdapterChoice) -> Result<wgpu::Adapter> {
    let all = instance().enumerate_adapters(wgpu::Backends::all()).await;
    let names: Vec<_> = all.iter().map(|adapter| adapter.get_info().name).collect();
    let found = match choice {
        AdapterChoice::Index(index) => all.into_iter().nth(*index),
        AdapterChoice::Name(part) => {
            let part = part.to_lowercase();
            all.into_iter().find(|adapter| {
                let info = adapter.get_info();
                [info.name, info.driver, info.driver_info]
                    .iter()
                    .any(|text| text.to_lowercase().contains(&part))
            })
        }
        AdapterChoice::HighPerformance => all.into_iter().min_by_key(|adapter| rank(adapter, [0, 1])),
        AdapterChoice::LowPower => all.into_iter().min_by_key(|adapter| rank(adapter, [1, 0])),
    };
    found.ok_or_else(|| Error::NoAdapter {
        wanted: match choice {
            AdapterChoice::Index(index) => format!("has the index {index}"),
            AdapterChoice::Name(part) => format!("has `{part}` in its name"),
            _ => "was found".to_owned(),
        },
        found: if names.is_empty() {
            "there is none".to_owned()
        } else {
            format!("there are: {}", names.join(", "))
        },
    })
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

fn rank(adapter: &wgpu::Adapter, [discrete, integrated]: [u32; 2]) -> u32 {
    match adapter.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu => discrete,
        wgpu::DeviceType::IntegratedGpu => integrated,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}
