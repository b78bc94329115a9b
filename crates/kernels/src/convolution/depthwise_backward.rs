//! `conv2d_depthwise_backward_input`, `conv2d_depthwise_backward_input_blocks`, `conv2d_depthwise_backward_weight`.

use tilewright_runtime::{Buffer, Context, Result};
use tilewright_shaders::Specialisation;

use super::{
    Pass, Problem,
    depthwise::{MOST_LOADS, MOST_WRITTEN_OUT, band, extent, gather, launch, vec4, workgroup},
    pack,
};
use crate::{
    ParamsLayout,
    epilogue::Epilogue,
    matmul::{Addends, Reduction, split_k_reduce},
    params::params,
    select::{Device, DeviceClass},
    to_u32,
};

/// Subgroups that keep the cores of a software device busy, so that no sum need be cut for more.
const ENOUGH: usize = 6;

params! { InputParams for "conv2d_depthwise_backward_input" {
    batch: u32, height: u32, width: u32, channels: u32,
    out_height: u32, out_width: u32,
    kernel_h: u32, kernel_w: u32, stride_h: u32, stride_w: u32,
    pad_h: u32, pad_w: u32,
    units: u32,
} }

params! { BlocksParams for "conv2d_depthwise_backward_input_blocks" {
    height: u32, width: u32, channels: u32,
    out_height: u32, out_width: u32,
    band: u32, bands: u32, strips: u32, units: u32,
} }

params! { WeightParams for "conv2d_depthwise_backward_weight" {
    batch: u32, height: u32, width: u32, channels: u32,
    out_height: u32, out_width: u32,
    pad_h: u32, pad_w: u32, band: u32, bands: u32, strips: u32, all: u32, patches: u32, units: u32,
} }

pub(super) const LAYOUTS: [ParamsLayout; 3] =
    [InputParams::LAYOUT, BlocksParams::LAYOUT, WeightParams::LAYOUT];

/// What `conv2d_depthwise_backward_input` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InputSpec {
    /// Dilation, height and width.
    pub dilation: [u32; 2],
    /// Channels are a multiple of 4.
    pub vec4: bool,
}

impl From<InputSpec> for Specialisation {
    fn from(spec: InputSpec) -> Self {
        Self::new("conv2d_depthwise_backward_input")
            .with_u32("DILATION_H", spec.dilation[0])
            .with_u32("DILATION_W", spec.dilation[1])
            .with_bool("VEC", spec.vec4)
    }
}

/// What `conv2d_depthwise_backward_input_blocks` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlocksSpec {
    /// Threads in a workgroup.
    pub workgroup: u32,
    /// Blocks of a row of a thread.
    pub strip: u32,
    /// KH, KW.
    pub kernel: [u32; 2],
    /// Stride, height and width.
    pub stride: [u32; 2],
    /// Dilation, height and width.
    pub dilation: [u32; 2],
    /// Padding, height and width.
    pub padding: [u32; 2],
    /// Rows and columns of the output's gradient before a block's own that reach it.
    pub before: [u32; 2],
    /// Channels are a multiple of 4.
    pub vec4: bool,
}

impl From<BlocksSpec> for Specialisation {
    fn from(spec: BlocksSpec) -> Self {
        Self::new("conv2d_depthwise_backward_input_blocks")
            .with_u32("WORKGROUP", spec.workgroup)
            .with_u32("STRIP", spec.strip)
            .with_u32("KERNEL_H", spec.kernel[0])
            .with_u32("KERNEL_W", spec.kernel[1])
            .with_u32("STRIDE_H", spec.stride[0])
            .with_u32("STRIDE_W", spec.stride[1])
            .with_u32("DILATION_H", spec.dilation[0])
            .with_u32("DILATION_W", spec.dilation[1])
            .with_u32("PADDING_H", spec.padding[0])
            .with_u32("PADDING_W", spec.padding[1])
            .with_u32("ABOVE", spec.before[0])
            .with_u32("BEFORE", spec.before[1])
            .with_bool("VEC", spec.vec4)
    }
}

/// What `conv2d_depthwise_backward_weight` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WeightSpec {
    /// Threads in a workgroup.
    pub workgroup: u32,
    /// Columns of the output's gradient of a thread.
    pub strip: u32,
    /// KH, KW.
    pub kernel: [u32; 2],
    /// Stride, height and width.
    pub stride: [u32; 2],
    /// Dilation, height and width.
    pub dilation: [u32; 2],
    /// Channels are a multiple of 4.
    pub vec4: bool,
}

impl From<WeightSpec> for Specialisation {
    fn from(spec: WeightSpec) -> Self {
        Self::new("conv2d_depthwise_backward_weight")
            .with_u32("WORKGROUP", spec.workgroup)
            .with_u32("STRIP", spec.strip)
            .with_u32("KERNEL_H", spec.kernel[0])
            .with_u32("KERNEL_W", spec.kernel[1])
            .with_u32("STRIDE_H", spec.stride[0])
            .with_u32("STRIDE_W", spec.stride[1])
            .with_u32("DILATION_H", spec.dilation[0])
            .with_u32("DILATION_W", spec.dilation[1])
            .with_bool("VEC", spec.vec4)
    }
}

pub(super) fn backward_input(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    weight: &Buffer,
    grad_x: &Buffer,
) -> Result<()> {
    let (op, pass) = (Pass::BackwardInput.name(), Pass::BackwardInput);
    let packed = pack::depthwise(context, op, problem, weight)?;
    if problem.op.stride == [1, 1] {
        // Nothing is added, so any buffer stands in for bias and residual.
        let buffers = [grad_y, &packed, &packed, &packed, grad_x];
        return gather(context, pass, problem, true, Epilogue::default(), [0.0; 2], &buffers);
    }
    if let Some(strip) = blocks(problem) {
        return in_blocks(context, problem, strip, [grad_y, &packed, grad_x]);
    }
    let shared = problem.params(op, 0, None)?;
    let [n, channels, h, w] = problem.x_shape;
    let units = n * h * w * channels.div_ceil(4);
    let params = InputParams {
        batch: shared.x_shape[0],
        height: shared.x_shape[2],
        width: shared.x_shape[3],
        channels: shared.x_shape[1],
        out_height: shared.y_shape[2],
        out_width: shared.y_shape[3],
        kernel_h: shared.w_shape[2],
        kernel_w: shared.w_shape[3],
        stride_h: shared.stride[0],
        stride_w: shared.stride[1],
        pad_h: shared.padding[0],
        pad_w: shared.padding[1],
        units: to_u32(op, units)?,
    };
    let spec = InputSpec { dilation: shared.dilation, vec4: vec4(problem) };
    let buffers = [grad_y, &packed, grad_x];
    launch(context, op, &spec.into(), bytemuck::bytes_of(&params), &buffers, units.div_ceil(64))
}

/// Rows (or columns, by `axis`) of the output's gradient that reach a block of pixels: those before its own, and all.
fn reaching(problem: &Problem, axis: usize) -> [usize; 2] {
    let (stride, padding) = (problem.op.stride[axis], problem.op.padding[axis]);
    let before = (extent(problem, axis, 1) - 1).saturating_sub(padding) / stride;
    let after = (stride - 1).saturating_add(padding) / stride;
    [before, before.saturating_add(after).saturating_add(1)]
}

/// Blocks of a row of a thread, if the pixels of a block and what reaches them are few enough to be written out.
fn blocks(problem: &Problem) -> Option<usize> {
    let stride = problem.op.stride;
    let [rows, columns] = [0, 1].map(|axis| reaching(problem, axis)[1]);
    let pixels = stride[0].saturating_mul(stride[1]);
    if pixels > 16 || rows.saturating_mul(columns.saturating_add(1)) > MOST_WRITTEN_OUT {
        return None;
    }
    let accesses = |strip: usize| columns + strip - 1 + pixels * strip;
    Some(if accesses(2) <= MOST_LOADS + 1 && problem.x_shape[3] > stride[1] { 2 } else { 1 })
}

fn in_blocks(context: &Context, problem: &Problem, strip: usize, buffers: [&Buffer; 3]) -> Result<()> {
    let op = Pass::BackwardInput.name();
    let shared = problem.params(op, 0, None)?;
    let ([n, channels, h, w], stride) = (problem.x_shape, problem.op.stride);
    let strips = w.div_ceil(stride[1] * strip);
    let units_of_a_row = n * strips * channels.div_ceil(4);
    let rows = h.div_ceil(stride[0]);
    let device = Device::of(context);
    let band = band(&device, rows, units_of_a_row);
    let bands = rows.div_ceil(band);
    let (units, workgroup) = (units_of_a_row * bands, workgroup(&device));
    let params = BlocksParams {
        height: shared.x_shape[2],
        width: shared.x_shape[3],
        channels: shared.x_shape[1],
        out_height: shared.y_shape[2],
        out_width: shared.y_shape[3],
        band: to_u32(op, band)?,
        bands: to_u32(op, bands)?,
        strips: to_u32(op, strips)?,
        units: to_u32(op, units)?,
    };
    let spec = BlocksSpec {
        workgroup,
        strip: strip as u32,
        kernel: [shared.w_shape[2], shared.w_shape[3]],
        stride: shared.stride,
        dilation: shared.dilation,
        padding: shared.padding,
        before: [to_u32(op, reaching(problem, 0)[0])?, to_u32(op, reaching(problem, 1)[0])?],
        vec4: vec4(problem),
    };
    let groups = units.div_ceil(workgroup as usize);
    launch(context, op, &spec.into(), bytemuck::bytes_of(&params), &buffers, groups)
}

/// Whether vec4s of channels make enough threads, so that none shares its sums with another and nothing is left to add.
fn whole_sums(device: &Device, quads: usize) -> bool {
    quads
        >= match device.class {
            DeviceClass::SoftwareVulkan => ENOUGH * device.lanes as usize,
            DeviceClass::Gpu => 1 << 12,
        }
}

pub(super) fn backward_weight(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    x: &Buffer,
    grad_weight: &Buffer,
) -> Result<()> {
    let op = Pass::BackwardWeight.name();
    let device = Device::of(context);
    let (count, [batch, channels, rows, width]) = (problem.w_count(), problem.y_shape);
    let (stride, kernel) = (problem.op.stride, problem.w_shape);
    let accesses = |strip: usize| extent(problem, 1, strip).saturating_mul(stride[0]).saturating_add(strip);
    let strip =
        [4, 2].into_iter().find(|&strip| width > strip / 2 && accesses(strip) <= MOST_LOADS + 2).unwrap_or(1);
    let (strips, quads) = (width.div_ceil(strip), channels.div_ceil(4));
    let whole = whole_sums(&device, quads);
    let band = if whole { rows.min(1024) } else { band(&device, rows, batch * strips * quads) };
    let bands = rows.div_ceil(band);
    let all = batch * bands * strips;
    // As many patches as leave a thousand threads, as each thread's sums go through memory. None sees more than 16,384
    // pixels, beyond which a sum loses digits.
    let most = if whole { all } else { all * quads / 1024 };
    let patches = most.min(16_384 / ((band + extent(problem, 0, 1)) * strip)).clamp(1, all);
    let splits = all.div_ceil(patches);
    let shared = problem.params(op, 0, None)?;
    let (units, workgroup) = (splits * quads, workgroup(&device));
    let params = WeightParams {
        batch: shared.x_shape[0],
        height: shared.x_shape[2],
        width: shared.x_shape[3],
        channels: shared.x_shape[1],
        out_height: shared.y_shape[2],
        out_width: shared.y_shape[3],
        pad_h: shared.padding[0],
        pad_w: shared.padding[1],
        band: to_u32(op, band)?,
        bands: to_u32(op, bands)?,
        strips: to_u32(op, strips)?,
        all: to_u32(op, all)?,
        patches: to_u32(op, patches)?,
        units: to_u32(op, units)?,
    };
    to_u32(op, count * splits)?;
    let spec = WeightSpec {
        workgroup,
        strip: strip as u32,
        kernel: [to_u32(op, kernel[2])?, to_u32(op, kernel[3])?],
        stride: shared.stride,
        dilation: shared.dilation,
        vec4: vec4(problem),
    };
    let groups = units.div_ceil(workgroup as usize);
    let run = |to: &Buffer| {
        launch(context, op, &spec.into(), bytemuck::bytes_of(&params), &[x, grad_y, to], groups)
    };
    if splits == 1 {
        return run(grad_weight);
    }
    let partials = context.alloc((splits * count * 4) as u64)?;
    run(&partials)?;
    let reduction = Reduction { count, splits, bias_inner: 1, bias_period: 1, accumulate: false };
    split_k_reduce(context, op, &reduction, &partials, Addends::default(), grad_weight, None)
}
