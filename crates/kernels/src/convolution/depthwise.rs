//! `conv2d_depthwise`; its gradients are in [`super::depthwise_backward`].

use tilewright_ops::{DType, UnaryOp};
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{Operands, Pass, Problem, pack};
use crate::{
    ParamsLayout,
    epilogue::{Epilogue, parameters},
    params::params,
    select::{Device, DeviceClass},
    to_u32,
};

params! { ForwardParams for "conv2d_depthwise" {
    batch: u32, height: u32, width: u32, channels: u32,
    out_height: u32, out_width: u32,
    pad_h: u32, pad_w: u32, band: u32, bands: u32, strips: u32, units: u32,
    p0: f32, p1: f32,
} }

pub(super) const LAYOUTS: [ParamsLayout; 1] = [ForwardParams::LAYOUT];

/// What `conv2d_depthwise` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ForwardSpec {
    /// Threads in a workgroup.
    pub workgroup: u32,
    /// Columns of windows of a thread.
    pub strip: u32,
    /// KH, KW.
    pub kernel: [u32; 2],
    /// Stride, height and width.
    pub stride: [u32; 2],
    /// Dilation, height and width.
    pub dilation: [u32; 2],
    /// Channels are a multiple of 4.
    pub vec4: bool,
    /// The kernel is read back to front: the gradient by the input, for stride 1.
    pub flip: bool,
    /// The type of x, weight, residual and y.
    pub dtype: DType,
    /// Bias and activation.
    pub epilogue: Epilogue,
}

impl From<ForwardSpec> for Specialisation {
    fn from(spec: ForwardSpec) -> Self {
        let kernel = Self::new("conv2d_depthwise")
            .with_u32("WORKGROUP", spec.workgroup)
            .with_u32("STRIP", spec.strip)
            .with_u32("KERNEL_H", spec.kernel[0])
            .with_u32("KERNEL_W", spec.kernel[1])
            .with_u32("STRIDE_H", spec.stride[0])
            .with_u32("STRIDE_W", spec.stride[1])
            .with_u32("DILATION_H", spec.dilation[0])
            .with_u32("DILATION_W", spec.dilation[1])
            .with_bool("VEC", spec.vec4)
            .with_bool("FLIP", spec.flip);
        let kernel = if spec.dtype == DType::F16 { kernel.with_type("Operand", "f16") } else { kernel };
        spec.epilogue.specialise(kernel)
    }
}

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

pub(super) fn forward(
    context: &Context,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
) -> Result<()> {
    let Operands { x, weight, bias, residual, y } = *operands;
    let epilogue = Epilogue::new(bias, residual, y, activation);
    let packed = weight.packed(context, problem, pack::depthwise)?;
    let buffers =
        [x, &packed, bias.unwrap_or(&packed), crate::epilogue::bound_residual(residual, y, &packed), y];
    gather(context, Pass::Forward, problem, false, epilogue, parameters(activation), &buffers)
}

/// The forward kernel, or with `flip` the same on the output's gradient.
pub(super) fn gather(
    context: &Context,
    pass: Pass,
    problem: &Problem,
    flip: bool,
    epilogue: Epilogue,
    [p0, p1]: [f32; 2],
    buffers: &[&Buffer],
) -> Result<()> {
    let op = pass.name();
    let shared = problem.params(op, 0, None)?;
    let (mut from, mut to, mut padding) = (shared.x_shape, shared.y_shape, shared.padding);
    if flip {
        (from, to) = (to, from);
        for (axis, padding) in padding.iter_mut().enumerate() {
            // Negative where there is more padding than kernel: the kernel adds modulo 2^32.
            let reach = shared.dilation[axis] * (shared.w_shape[2 + axis] - 1);
            *padding = reach.wrapping_sub(shared.padding[axis]);
        }
    }
    let device = Device::of(context);
    let strip = strip(problem, to[3] as usize);
    let strips = to[3].div_ceil(strip as u32);
    let units_of_a_row = to[0] as usize * strips as usize * from[1].div_ceil(4) as usize;
    let band = to_u32(op, band(&device, to[2] as usize, units_of_a_row))?;
    let bands = to[2].div_ceil(band);
    let units = units_of_a_row * bands as usize;
    let workgroup = workgroup(&device);
    let params = ForwardParams {
        batch: from[0],
        height: from[2],
        width: from[3],
        channels: from[1],
        out_height: to[2],
        out_width: to[3],
        pad_h: padding[0],
        pad_w: padding[1],
        band,
        bands,
        strips,
        units: to_u32(op, units)?,
        p0,
        p1,
    };
    let spec = ForwardSpec {
        workgroup,
        strip: strip as u32,
        kernel: [shared.w_shape[2], shared.w_shape[3]],
        stride: shared.stride,
        dilation: shared.dilation,
        vec4: vec4(problem),
        flip,
        dtype: problem.dtype,
        epilogue,
    };
    let groups = units.div_ceil(workgroup as usize);
    launch(context, op, &spec.into(), bytemuck::bytes_of(&params), buffers, groups)
}

pub(super) fn launch(
    context: &Context,
    op: &str,
    kernel: &Specialisation,
    params: &[u8],
    buffers: &[&Buffer],
    groups: usize,
) -> Result<()> {
    context.dispatch(kernel, &Dispatch { op, params, buffers, groups: groups as u64 })
}
