//! Which kernel computes an attention.

use tilewright_runtime::{Context, Error, Result};

use super::{
    lanes,
    problem::{Buffers, Problem},
    tiled,
};
use crate::base::device::Device;

/// The kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttentionAlgorithm {
    /// `attention_lanes`.
    Lanes,
    /// `attention`.
    Tiled,
}

impl AttentionAlgorithm {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Lanes, Self::Tiled];

    /// Whether it runs the problem on the device.
    #[must_use]
    pub fn runs(self, device: &Device, problem: &Problem) -> bool {
        match self {
            Self::Lanes => lanes::fits(device, problem),
            Self::Tiled => tiled::fits(device, problem),
        }
    }
}

/// The kernel for a problem; none where it has to be computed in steps: on software Vulkan the kernel for GPUs would spill at its
/// barriers, and beyond 128 numbers a head neither has the registers.
#[must_use]
pub fn choose(device: &Device, problem: &Problem) -> Option<AttentionAlgorithm> {
    let software = device.class == crate::base::device::DeviceClass::SoftwareVulkan;
    let wanted = if software { AttentionAlgorithm::Lanes } else { AttentionAlgorithm::Tiled };
    wanted.runs(device, problem).then_some(wanted)
}

/// Attention in one kernel if it can be, and whether it was.
///
/// # Errors
/// Those of a launch.
pub fn attention(context: &Context, problem: &Problem, buffers: &Buffers<'_>) -> Result<bool> {
    match choose(&Device::of(context), problem) {
        Some(algorithm) => attention_as(context, algorithm, problem, buffers).map(|()| true),
        None => Ok(false),
    }
}

/// Attention by one kernel.
///
/// # Errors
/// [`Error::Unsupported`] where the kernel does not run it.
pub fn attention_as(
    context: &Context,
    algorithm: AttentionAlgorithm,
    problem: &Problem,
    buffers: &Buffers<'_>,
) -> Result<()> {
    if !algorithm.runs(&Device::of(context), problem) {
        return Err(unsupported(algorithm, problem));
    }
    match algorithm {
        AttentionAlgorithm::Lanes => lanes::launch(context, problem, buffers),
        AttentionAlgorithm::Tiled => tiled::launch(context, problem, buffers),
    }
}

fn unsupported(algorithm: AttentionAlgorithm, problem: &Problem) -> Error {
    let (name, needs) = match algorithm {
        AttentionAlgorithm::Lanes => {
            ("attention_lanes", "software Vulkan, and heads and values of whole fours up to 128")
        }
        AttentionAlgorithm::Tiled => ("attention", "heads and values of up to 128 numbers"),
    };
    let Problem { batch, heads, queries, keys, head, width, .. } = problem;
    let shape =
        format!("{batch} x {heads} heads, {queries} queries of {head}, {keys} keys, values of {width}");
    Error::Unsupported {
        op: "attention".to_owned(),
        algorithm: name,
        reason: format!("it needs {needs}; here are {shape}"),
    }
}
