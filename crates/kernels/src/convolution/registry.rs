//! The implementation of each algorithm, and convolutions by the algorithm named.

use tilewright_ops::{DType, Pooling};
use tilewright_runtime::{Buffer, Context, Result};

use super::{
    algorithm::Conv2dAlgorithm,
    call::Conv2dLaunch,
    cooperative::Cooperative,
    depthwise::algorithm::Depthwise,
    direct::Direct,
    im2col::algorithm::Im2col,
    implementation::{Implementation, unsupported},
    implicit_gemm::algorithm::ImplicitGemm,
    lanes::algorithm::Lanes,
    problem::{Pass, Problem},
    weight::{PackedWeight, Weight},
    winograd::algorithm::Winograd,
};
use crate::base::{device::Device, epilogue::Windows, matrices::Emulation};

impl Conv2dAlgorithm {
    fn implementation(self) -> &'static dyn Implementation {
        match self {
            Self::Direct => &Direct,
            Self::Im2col => &Im2col,
            Self::ImplicitGemm => &ImplicitGemm,
            Self::Depthwise => &Depthwise,
            Self::Lanes => &Lanes,
            Self::Cooperative => &Cooperative { emulation: None },
            Self::WinogradF2 => &Winograd::F2,
            Self::WinogradF4 => &Winograd::F4,
        }
    }

    /// The name used in tables and on the command line.
    pub fn name(self) -> &'static str {
        self.implementation().name()
    }

    /// What keeps this algorithm from running a pass of `problem`, if anything does. Memory is another question:
    /// see [`Self::fits`].
    pub fn obstacle(self, device: &Device, pass: Pass, problem: &Problem) -> Option<&'static str> {
        let implementation = self.implementation();
        if problem.dtype == DType::F16 && pass != Pass::Forward {
            Some("gradients are f32")
        } else if problem.dtype == DType::F16 && !device.f16 {
            Some("the device has no f16 in shaders")
        } else if device.exact && !self.is_exact() {
            Some("exact products are asked for, and it transforms its operands")
        } else if problem.is_empty() && !implementation.runs_empty() {
            Some("an extent is zero")
        } else {
            implementation.obstacle(device, pass, problem)
        }
    }

    /// Whether the kernel that stores the result of a forward pass can pool it: a thread of it holds whole windows.
    pub fn pools(self, problem: &Problem, pooling: &Pooling) -> bool {
        Windows::new(pooling, problem.y_shape)
            .is_some_and(|windows| self.implementation().pools(problem, windows, pooling))
    }

    /// Whether what the algorithm needs beside its operands fits the device's bindings.
    pub fn fits(self, device: &Device, pass: Pass, problem: &Problem) -> bool {
        self.implementation().workspace(device, pass, problem) <= device.max_binding_bytes
    }

    /// Whether a trial on this device found it quicker; what needs no trial is taken at the table's word.
    pub(super) fn pays(self, device: &Device, dtype: DType) -> bool {
        self.implementation().pays(device, dtype)
    }
}

/// Fails if `algorithm` cannot run a pass of `problem` on this device.
fn check(context: &Context, algorithm: Conv2dAlgorithm, pass: Pass, problem: &Problem) -> Result<()> {
    match algorithm.obstacle(&Device::of(context), pass, problem) {
        Some(reason) => Err(unsupported(pass, algorithm.name(), problem, reason)),
        None => Ok(()),
    }
}

/// Fails if `algorithm` cannot run `call`, its pooling aside.
pub(super) fn check_forward(
    context: &Context,
    algorithm: Conv2dAlgorithm,
    call: &Conv2dLaunch<'_>,
) -> Result<()> {
    let problem = &call.problem;
    if let Weight::Packed(packed) = call.weight {
        let mismatch = if packed.algorithm() == algorithm {
            packed.mismatch(problem)
        } else {
            let (packed, wanted) = (packed.algorithm().name(), algorithm.name());
            Some(format!("the weight was packed for {packed}, not for {wanted}"))
        };
        if let Some(reason) = mismatch {
            let reason = format!("{reason}; pack it anew with `pack_weight`");
            return Err(unsupported(Pass::Forward, algorithm.name(), problem, &reason));
        }
    }
    check(context, algorithm, Pass::Forward, problem)
}

/// Runs `call` by the algorithm named.
pub(super) fn forward_as(
    context: &Context,
    algorithm: Conv2dAlgorithm,
    call: &Conv2dLaunch<'_>,
    y: &Buffer,
) -> Result<()> {
    check_forward(context, algorithm, call)?;
    let problem = &call.problem;
    let refused = |reason| Err(unsupported(Pass::Forward, algorithm.name(), problem, reason));
    if let Some(pooling) = &call.pooling {
        if !algorithm.pools(problem, pooling) {
            return refused("none of its threads holds whole windows; pool its result");
        }
        if call.residual.is_some_and(|residual| residual.same(y)) {
            return refused("windows cannot lie where the residual of their pixels lies");
        }
    }
    if problem.y_count() == 0 {
        return Ok(());
    }
    algorithm.implementation().forward(context, call, y)
}

/// The gradient of x by the algorithm named.
pub(super) fn backward_input_as(
    context: &Context,
    algorithm: Conv2dAlgorithm,
    problem: &Problem,
    grad_y: &Buffer,
    weight: &Buffer,
    grad_x: &Buffer,
) -> Result<()> {
    check(context, algorithm, Pass::BackwardInput, problem)?;
    if problem.x_count() == 0 {
        return Ok(());
    }
    algorithm.implementation().backward_input(context, problem, grad_y, weight, grad_x)
}

/// The gradient of the weight by the algorithm named.
pub(super) fn backward_weight_as(
    context: &Context,
    algorithm: Conv2dAlgorithm,
    problem: &Problem,
    grad_y: &Buffer,
    x: &Buffer,
    grad_weight: &Buffer,
) -> Result<()> {
    check(context, algorithm, Pass::BackwardWeight, problem)?;
    if problem.w_count() == 0 {
        return Ok(());
    }
    algorithm.implementation().backward_weight(context, problem, grad_y, x, grad_weight)
}

/// The weight in the order of the algorithm named.
pub(super) fn pack_as(
    context: &Context,
    algorithm: Conv2dAlgorithm,
    problem: &Problem,
    weight: &Buffer,
) -> Result<PackedWeight> {
    check(context, algorithm, Pass::Forward, problem)?;
    let buffer = if problem.w_count() == 0 {
        weight.clone()
    } else {
        algorithm.implementation().pack(context, problem, weight)?
    };
    Ok(PackedWeight::new(algorithm, problem, buffer))
}

/// `call` by [`Conv2dAlgorithm::Cooperative`] with the matrices emulated by plain sums. It is too slow for anything but
/// finding out whether the kernel is right where no device has the hardware.
///
/// # Errors
/// [`tilewright_runtime::Error::Unsupported`] if it cannot run this shape.
pub fn forward_emulated(
    context: &Context,
    emulation: Emulation,
    call: &Conv2dLaunch<'_>,
    y: &Buffer,
) -> Result<()> {
    let algorithm = Conv2dAlgorithm::Cooperative;
    let problem = &call.problem;
    let refused = |reason| Err(unsupported(Pass::Forward, algorithm.name(), problem, reason));
    let Some(emulated) = algorithm.implementation().emulated(emulation) else {
        return refused("it has no matrices to emulate");
    };
    let obstacle = emulation.obstacle();
    match obstacle.or_else(|| emulated.obstacle(&Device::of(context), Pass::Forward, problem)) {
        Some(reason) => refused(reason),
        None => emulated.forward(context, call, y),
    }
}
