//! What the launchers and the tables know of a device.

use tilewright_runtime::Context;

use super::trials::{Question, Use, known};

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
    /// Products of four bytes are quicker than the same in f32, as far as is known: a trial says so at the first convolution of
    /// bytes.
    pub dot4_pays: bool,
    /// Cooperative matrices.
    pub cooperative: Cooperative,
    /// Products are asked for without transformations: [`Context::exact`].
    pub exact: bool,
}

/// What a device does with cooperative matrices of f32 sums, by subgroups of 32 threads.
///
/// That a device has them says little: whether they are right and quicker than plain kernels is tried once, at the first product
/// that would use them.
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
    pub const SOFTWARE_VULKAN: Self = Self {
        class: DeviceClass::SoftwareVulkan,
        lanes: 8,
        max_workgroup_bytes: 32 << 10,
        dot4_pays: false,
        ..Self::GPU
    };

    /// A GPU with the limits that every one has.
    pub const GPU: Self = Self {
        class: DeviceClass::Gpu,
        lanes: 0,
        max_binding_bytes: 128 << 20,
        max_workgroup_bytes: 16 << 10,
        f16: false,
        long_kernels: true,
        int64: true,
        dot4_pays: true,
        cooperative: Cooperative::Absent,
        exact: false,
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
            dot4_pays: !software && known(context, Question::Dot4).is_none_or(|trial| trial.pays()),
            cooperative: cooperative(context),
            exact: context.is_exact(),
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

/// What is known of cooperative matrices on the context's device.
fn cooperative(context: &Context) -> Cooperative {
    let info = context.adapter_info();
    let subgroups = [info.subgroup_min_size, info.subgroup_max_size];
    let Some(edge) = usable(context.cooperative_matrices(), subgroups, info.backend) else {
        return Cooperative::Absent;
    };
    let pays = |which| known(context, which).is_some_and(|trial| trial.pays());
    Cooperative::Present {
        edge,
        f16_pays: pays(Use::F16),
        f32_pays: pays(Use::F32),
        split_f16_pays: pays(Use::SplitF16),
    }
}

/// The rows and columns of the matrices, all with f32 sums, that the kernels use out of those which an adapter reports:
/// 16 for f16, else 8 for f16 and f32.
fn usable(
    found: &[wgpu::CooperativeMatrixProperties],
    subgroups: [u32; 2],
    backend: wgpu::Backend,
) -> Option<u32> {
    use wgpu::CooperativeScalarType::{F16, F32};
    let has = |edge, operand| {
        found.iter().any(|found| {
            [found.m_size, found.n_size, found.k_size] == [edge; 3]
                && (found.ab_type, found.cr_type) == (operand, F32)
        })
    };
    // wgpu says 4 to 64 of every Metal device. Those with matrix units have 32 threads to a simdgroup; what has not
    // computes something wrong in the trial.
    let threads = subgroups == [32; 2] || backend == wgpu::Backend::Metal;
    // The text for 16 × 16 loads from vec4s, which Metal cannot, and the one for 8 × 8 is as Metal wants it.
    match backend {
        _ if !threads => None,
        wgpu::Backend::Metal => (has(8, F16) && has(8, F32)).then_some(8),
        _ => has(16, F16).then_some(16),
    }
}

#[cfg(test)]
mod tests {
    use super::{mesa, usable};

    #[test]
    fn the_driver_says_its_version() {
        assert_eq!(mesa("Mesa 22.3.6 (LLVM 15.0.6)"), Some(22));
        assert_eq!(mesa("Mesa 25.0.7-2~bpo12+1 (LLVM 15.0.6)"), Some(25));
        assert_eq!(mesa("SwiftShader"), None);
        assert_eq!(mesa(""), None);
    }

    #[test]
    fn the_matrices_that_a_backend_can_use() {
        use wgpu::{
            Backend::{Metal, Vulkan},
            CooperativeScalarType::{F16, F32},
        };
        let matrix = |edge, ab_type, cr_type| wgpu::CooperativeMatrixProperties {
            m_size: edge,
            n_size: edge,
            k_size: edge,
            ab_type,
            cr_type,
            saturating_accumulation: false,
        };
        // What wgpu reports of Apple's GPUs, and of NVIDIA's.
        let apple = [matrix(8, F32, F32), matrix(8, F16, F16), matrix(8, F16, F32)];
        let nvidia = [matrix(16, F16, F16), matrix(16, F16, F32)];
        assert_eq!(usable(&apple, [4, 64], Metal), Some(8));
        assert_eq!(usable(&nvidia, [32, 32], Vulkan), Some(16));
        assert_eq!(usable(&apple[1..], [4, 64], Metal), None);
        assert_eq!(usable(&nvidia[..1], [32, 32], Vulkan), None);
        assert_eq!(usable(&nvidia, [32, 64], Vulkan), None);
        assert_eq!(usable(&apple, [32, 32], Vulkan), None);
        assert_eq!(usable(&nvidia, [4, 64], Metal), None);
        assert_eq!(usable(&[], [32, 32], Vulkan), None);
    }
}
