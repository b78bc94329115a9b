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

pub use convolution::{PooledChoice, conv2d, conv2d_candidates, conv2d_packed, conv2d_pooled};
pub use matmul::{matmul, matmul_candidates};
pub use measured::{conv2d_for, conv2d_packed_for, conv2d_pooled_for, conv2d_repeated_for, matmul_for};

use tilewright_runtime::Context;

/// The kinds of device that the tables tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceClass {
    /// Vulkan on the CPU with subgroups of 4, 8 or 16 lanes (Mesa lavapipe).
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
    /// Lanes of a subgroup, where they all have as many; else 0.
    pub lanes: u32,
    /// The largest storage binding.
    pub max_binding_bytes: u64,
    /// Workgroup memory.
    pub max_workgroup_bytes: u32,
    /// Shaders may read, write and compute with f16.
    pub f16: bool,
    /// A kernel with hundreds of sums in private memory compiles within seconds. Mesa before 23 makes a coroutine of every
    /// kernel, which takes minutes then.
    pub long_kernels: bool,
    /// Shaders may read, write and compute with integers of 64 bits.
    pub int64: bool,
    /// Cooperative matrices.
    pub cooperative: Cooperative,
}

/// What a device does with cooperative matrices of f32 sums, by subgroups of 32 threads.
///
/// That a device has them says little: whether they are right and quicker than plain kernels is tried once, see
/// [`crate::cooperative`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cooperative {
    /// It has none.
    Absent,
    /// It has them.
    Present {
        /// Their rows and columns: 16 for f16 (Vulkan), or 8 for f16 and f32 (Metal).
        edge: u32,
        /// f16 products are quicker with them, and right.
        f16_pays: bool,
        /// So are f32 products by matrices of f32.
        f32_pays: bool,
        /// So are f32 products by three products of split halves.
        split_f16_pays: bool,
    },
}

impl Device {
    /// Mesa lavapipe.
    pub const SOFTWARE_VULKAN: Self =
        Self { class: DeviceClass::SoftwareVulkan, lanes: 8, max_workgroup_bytes: 32 << 10, ..Self::GPU };

    /// A GPU with the limits that every one has.
    pub const GPU: Self = Self {
        class: DeviceClass::Gpu,
        lanes: 0,
        max_binding_bytes: 128 << 20,
        max_workgroup_bytes: 16 << 10,
        f16: false,
        long_kernels: true,
        int64: true,
        cooperative: Cooperative::Absent,
    };

    /// A GPU with f16 and cooperative matrices of 16 × 16 that pay.
    pub const COOPERATIVE_GPU: Self = Self {
        max_workgroup_bytes: 48 << 10,
        f16: true,
        cooperative: Cooperative::Present { edge: 16, f16_pays: true, f32_pays: false, split_f16_pays: true },
        ..Self::GPU
    };

    /// An Apple GPU: f16, and cooperative matrices of 8 × 8 that pay.
    pub const APPLE_GPU: Self = Self {
        max_workgroup_bytes: 32 << 10,
        cooperative: Cooperative::Present { edge: 8, f16_pays: true, f32_pays: true, split_f16_pays: false },
        ..Self::COOPERATIVE_GPU
    };

    /// A context's device. What microbenchmarks say of it is what they have said so far.
    pub fn of(context: &Context) -> Self {
        let info = context.adapter_info();
        let fixed = context.features().contains(wgpu::Features::SUBGROUP)
            && info.subgroup_min_size == info.subgroup_max_size;
        let lanes = if fixed { info.subgroup_min_size } else { 0 };
        // 8 lanes with AVX, 4 without, 16 where LP_NATIVE_VECTOR_WIDTH=512 asks for them.
        let software = info.device_type == wgpu::DeviceType::Cpu && [4, 8, 16].contains(&lanes);
        Self {
            class: if software { DeviceClass::SoftwareVulkan } else { DeviceClass::Gpu },
            lanes,
            max_binding_bytes: context.limits().max_storage_buffer_binding_size,
            max_workgroup_bytes: context.limits().max_compute_workgroup_storage_size,
            f16: context.features().contains(wgpu::Features::SHADER_F16),
            long_kernels: !software || mesa(&info.driver_info).is_some_and(|major| major >= 23),
            int64: context.features().contains(wgpu::Features::SHADER_INT64),
            cooperative: crate::cooperative::of(context),
        }
    }

    /// Whether four numbers are quicker as two words of 64 bits.
    pub fn wide_words(&self) -> bool {
        self.class == DeviceClass::SoftwareVulkan && self.lanes == 8 && self.int64
    }
}

/// Mesa's major version in what a driver says of itself, such as "Mesa 25.0.7 (LLVM 15.0.6)".
fn mesa(driver: &str) -> Option<u32> {
    driver.strip_prefix("Mesa ")?.split('.').next()?.parse().ok()
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

#[cfg(test)]
mod tests {
    use super::mesa;

    #[test]
    fn the_driver_says_its_version() {
        assert_eq!(mesa("Mesa 22.3.6 (LLVM 15.0.6)"), Some(22));
        assert_eq!(mesa("Mesa 25.0.7-2~bpo12+1 (LLVM 15.0.6)"), Some(25));
        assert_eq!(mesa("SwiftShader"), None);
        assert_eq!(mesa(""), None);
    }
}
