//! The implementation of each algorithm, and products by the algorithm named.

use tilewright_ops::{DType, UnaryOp};
use tilewright_runtime::{Context, Error, Result};

use super::{
    algorithm::MatmulAlgorithm,
    cooperative::Cooperative,
    implementation::Implementation,
    lanes::Lanes,
    naive::Naive,
    problem::{Operands, Problem},
    register_tiled::RegisterTiled,
    split_f16::SplitF16,
    tiled::Tiled,
    vec4::Vec4,
};
use crate::base::{device::Device, matrices::Emulation};

impl MatmulAlgorithm {
    fn implementation(self) -> &'static dyn Implementation {
        match self {
            Self::Naive => &Naive,
            Self::Tiled => &Tiled,
            Self::RegisterTiled => &RegisterTiled,
            Self::Vec4 => &Vec4,
            Self::Lanes => &Lanes,
            Self::Cooperative => &Cooperative { emulation: None },
            Self::SplitF16 => &SplitF16 { emulation: None },
        }
    }

    /// The name used in tables and on the command line.
    pub fn name(self) -> &'static str {
        self.implementation().name()
    }

    /// The kernel's stem.
    pub fn stem(self) -> &'static str {
        self.implementation().stem()
    }

    /// What keeps this algorithm from running `problem`, if anything does.
    pub fn obstacle(self, device: &Device, problem: &Problem) -> Option<&'static str> {
        if problem.dtype == DType::F16 && !device.f16 {
            return Some("the device has no f16 in shaders");
        }
        if device.exact && !self.is_exact() {
            return Some("exact products are asked for, and it splits its operands");
        }
        self.implementation().obstacle(device, problem)
    }

    /// Whether a trial on this device found it quicker; what needs no trial is taken at the table's word.
    pub(super) fn pays(self, device: &Device, dtype: DType) -> bool {
        self.implementation().pays(device, dtype)
    }
}

fn unsupported(algorithm: MatmulAlgorithm, problem: &Problem, reason: &str) -> Error {
    let reason = format!("{reason} ({problem})");
    Error::Unsupported { op: "matmul".to_owned(), algorithm: algorithm.name(), reason }
}

/// y = activation(left · right + bias + residual) by the algorithm named.
///
/// # Errors
/// [`Error::Unsupported`] if it cannot run this shape on this device.
pub fn matmul_as(
    context: &Context,
    algorithm: MatmulAlgorithm,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
) -> Result<()> {
    match algorithm.obstacle(&Device::of(context), problem) {
        Some(reason) => Err(unsupported(algorithm, problem, reason)),
        None => algorithm.implementation().run(context, problem, operands, activation),
    }
}

/// y = activation(left · right + bias + residual) by an algorithm for cooperative matrices, with the matrices emulated by
/// plain sums. It is too slow for anything but finding out whether the kernel is right where no device has the hardware.
///
/// # Errors
/// [`Error::Unsupported`] if it cannot run this shape, or `algorithm` is no such one.
pub fn matmul_emulated(
    context: &Context,
    algorithm: MatmulAlgorithm,
    emulation: Emulation,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
) -> Result<()> {
    let Some(emulated) = algorithm.implementation().emulated(emulation) else {
        return Err(unsupported(algorithm, problem, "it has no matrices to emulate"));
    };
    let obstacle = emulation.obstacle();
    match obstacle.or_else(|| emulated.obstacle(&Device::of(context), problem)) {
        Some(reason) => Err(unsupported(algorithm, problem, reason)),
        None => emulated.run(context, problem, operands, activation),
    }
}
