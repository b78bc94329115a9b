//! What the depthwise kernels share: how far windows reach, and how the work is cut.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::{
    base::device::{Device, DeviceClass},
    convolution::problem::Problem,
};

/// Neighbouring elements of x along `axis` that reach from the first tap of the first of `windows` to the last of the last.
pub(super) fn extent(problem: &Problem, axis: usize, windows: usize) -> usize {
    (windows - 1)
        .saturating_mul(problem.op.stride[axis])
        .saturating_add((problem.w_shape[2 + axis] - 1).saturating_mul(problem.op.dilation[axis]))
        .saturating_add(1)
}

/// The most elements of x between the first and the last tap of one window, for each channel: sums and columns of a
/// thread are written out.
pub(super) const MOST_WRITTEN_OUT: usize = 96;

/// Whether the forward kernel takes `problem`.
pub(super) fn fits(problem: &Problem) -> bool {
    extent(problem, 0, 1).saturating_mul(extent(problem, 1, 1)) <= MOST_WRITTEN_OUT
}

/// The most loads of a turn that leave it in an instruction cache of 32 KiB on software Vulkan.
pub(super) const MOST_LOADS: usize = 10;

/// Columns of windows of a thread, for a result of `width` columns.
pub(super) fn strip(problem: &Problem, width: usize) -> usize {
    let loads = |strip| extent(problem, 1, strip).saturating_mul(problem.op.stride[0]);
    [4, 2].into_iter().find(|&strip| width > strip / 2 && loads(strip) <= MOST_LOADS).unwrap_or(1)
}

/// Rows of windows of a thread: as many as leave enough threads, as the first rows of x are read for nothing.
pub(super) fn band(device: &Device, rows: usize, units_of_a_row: usize) -> usize {
    let (threads, least) = match device.class {
        DeviceClass::SoftwareVulkan => (64 * device.lanes as usize, 8),
        DeviceClass::Gpu => (1 << 16, 4),
    };
    let bands = threads.div_ceil(units_of_a_row).min(rows / least).max(rows.div_ceil(1024)).max(1);
    rows.div_ceil(bands)
}

/// Threads in a workgroup. On software Vulkan: the fewer, the more evenly they lie on the cores.
pub(super) fn workgroup(device: &Device) -> u32 {
    match device.class {
        DeviceClass::SoftwareVulkan => device.lanes,
        DeviceClass::Gpu => 64,
    }
}

pub(super) fn vec4(problem: &Problem) -> bool {
    problem.x_shape[1].is_multiple_of(4)
}

pub(super) fn launch(
    context: &Context,
    op: &str,
    kernel: &Specialisation,
    params: &[u8],
    buffers: &[&Buffer],
    workgroups: usize,
) -> Result<()> {
    context.dispatch(kernel, &Dispatch { op, params, buffers, groups: workgroups as u64 })
}
