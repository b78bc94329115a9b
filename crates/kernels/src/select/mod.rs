//! Which kernel runs a product or a convolution: tables that one can read, top to bottom, first match wins.
//!
//! ```
//! use tilewright_kernels::{matmul::Problem, select::{self, Device}};
//!
//! let problem = Problem { batches: 1, m: 256, n: 256, k: 256, ..Problem::default() };
//! println!("{}", select::matmul(&Device::GPU, &problem).explain());
//! ```

mod convolution;
mod matmul;
mod measured;

pub use convolution::{conv2d, conv2d_candidates};
pub use matmul::{matmul, matmul_candidates};
pub use measured::{conv2d_for, matmul_for};

use tilewright_runtime::Context;

/// The kinds of device that the tables tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceClass {
    /// Vulkan on the CPU with subgroups of 8 lanes (Mesa lavapipe).
    SoftwareVulkan,
    /// Everything else.
    Gpu,
}

impl DeviceClass {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SoftwareVulkan => "software Vulkan",
            Self::Gpu => "GPU",
        }
    }
}

/// What the tables know of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Device {
    /// Its kind.
    pub class: DeviceClass,
    /// The largest storage binding.
    pub max_binding_bytes: u64,
}

impl Device {
    /// Mesa lavapipe.
    pub const SOFTWARE_VULKAN: Self =
        Self { class: DeviceClass::SoftwareVulkan, max_binding_bytes: 128 << 20 };

    /// A GPU with the limits that every one has.
    pub const GPU: Self = Self { class: DeviceClass::Gpu, max_binding_bytes: 128 << 20 };

    /// A context's device.
    pub fn of(context: &Context) -> Self {
        let info = context.adapter_info();
        let lanes = context.features().contains(wgpu::Features::SUBGROUP)
            && (info.subgroup_min_size, info.subgroup_max_size) == (8, 8);
        let software = info.device_type == wgpu::DeviceType::Cpu && lanes;
        Self {
            class: if software { DeviceClass::SoftwareVulkan } else { DeviceClass::Gpu },
            max_binding_bytes: context.limits().max_storage_buffer_binding_size,
        }
    }
}

/// A row of a table: on `device`, where `test` holds, `algorithm` runs.
struct Rule<P: 'static, A: 'static> {
    device: DeviceClass,
    /// The condition in words.
    when: &'static str,
    test: fn(&P) -> bool,
    algorithm: A,
    why: &'static str,
}

/// What a table says about a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice<A> {
    /// The algorithm to run.
    pub algorithm: A,
    /// The row of the table that matched.
    pub when: &'static str,
    /// Why the row is there.
    pub why: &'static str,
    device: DeviceClass,
    problem: String,
    kernel: &'static str,
}

impl<A> Choice<A> {
    /// One line for people: device, shape, kernel and reason.
    pub fn explain(&self) -> String {
        format!("{} on {}: {} ({}: {})", self.problem, self.device.name(), self.kernel, self.when, self.why)
    }
}
