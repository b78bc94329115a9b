//! `conv2d_lanes`, `conv2d_lanes_backward_input`, `conv2d_lanes_backward_weight`.

use tilewright_ops::{Pooling, UnaryOp};
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{Operands, Pass, Problem, divisor, narrow, pack};
use crate::{
    ParamsLayout,
    epilogue::{Epilogue, Windows, parameters},
    matmul::{Addends, Reduction, split_k_reduce},
    params::params,
    select::Device,
    to_u32,
};

params! { ForwardParams for "conv2d_lanes" {
    batch: u32, height: u32, width: u32, in_channels: u32,
    out_height: u32, out_width: u32, out_channels: u32,
    kernel_h: u32, kernel_w: u32, stride_h: u32, stride_w: u32,
    pad_h: u32, pad_w: u32, dilation_h: u32, dilation_w: u32, conv_groups: u32,
    pixel_tiles: u32, channel_tiles: u32, groups: u32,
    p0: f32, p1: f32, divisor: f32,
} }

params! { InputParams for "conv2d_lanes_backward_input" {
    batch: u32, height: u32, width: u32, in_channels: u32,
    out_height: u32, out_width: u32, out_channels: u32,
    kernel_h: u32, kernel_w: u32, stride_h: u32, stride_w: u32,
    pad_h: u32, pad_w: u32, dilation_h: u32, dilation_w: u32, conv_groups: u32,
    tap_step_h: u32, tap_step_w: u32, pixel_tiles: u32, channel_tiles: u32, groups: u32,
} }

params! { WeightParams for "conv2d_lanes_backward_weight" {
    batch: u32, height: u32, width: u32, in_channels: u32,
    out_height: u32, out_width: u32, out_channels: u32,
    kernel_h: u32, kernel_w: u32, stride_h: u32, stride_w: u32,
    pad_h: u32, pad_w: u32, dilation_h: u32, dilation_w: u32, conv_groups: u32,
    row_tiles: u32, channel_tiles: u32, pixel_chunk: u32, groups: u32,
} }

pub(super) const LAYOUTS: [ParamsLayout; 3] =
    [ForwardParams::LAYOUT, InputParams::LAYOUT, WeightParams::LAYOUT];

/// What `conv2d_lanes` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ForwardSpec {
    /// Lanes of a subgroup.
    pub lanes: u32,
    /// Pixels of a lane.
    pub pixels: u32,
    /// Output channels of a workgroup.
    pub channels: u32,
    /// Channels in a load of x: 4 or 1.
    pub width: u32,
    /// Loads of x for a pixel and turn.
    pub steps: u32,
    /// Weights and y are accessed by vec4.
    pub vec4: bool,
    /// Bias and activation.
    pub epilogue: Epilogue,
}

impl From<ForwardSpec> for Specialisation {
    fn from(spec: ForwardSpec) -> Self {
        let kernel = Self::new("conv2d_lanes")
            .with_u32("LANES", spec.lanes)
            .with_u32("PIXELS", spec.pixels)
            .with_u32("CHANNELS", spec.channels)
            .with_u32("WIDTH", spec.width)
            .with_u32("STEPS", spec.steps)
            .with_bool("VEC_W", spec.vec4);
        spec.epilogue.specialise(kernel)
    }
}

impl ForwardSpec {
    fn new(lanes: u32, problem: &Problem, epilogue: Epilogue) -> Self {
        let ([inputs, outputs], pixels) = (problem.group_channels(), problem.y_pixels());
        let (width, steps) = match problem.terms() {
            _ if inputs.is_multiple_of(4) => (4, 1),
            terms if terms <= 9 => (1, 1),
            terms if terms.is_multiple_of(3) => (1, 3),
            _ => (1, 4),
        };
        let channels = channel_tile(outputs, if large(problem) { 32 } else { 16 }) as u32;
        let pixels = match epilogue.pool {
            Some(windows) => windows.pixels(),
            None if pixels <= 16 => 2,
            None => 4,
        };
        Self { lanes, pixels, channels, width, steps, vec4: outputs.is_multiple_of(4), epilogue }
    }
}

/// What `conv2d_lanes_backward_input` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InputSpec {
    /// Lanes of a subgroup.
    pub lanes: u32,
    /// Pixels of a lane.
    pub pixels: u32,
    /// Input channels of a workgroup.
    pub channels: u32,
    /// The output's gradient is read by vec4.
    pub vec4_gradient: bool,
    /// Weights and the input's gradient are accessed by vec4.
    pub vec4: bool,
}

impl From<InputSpec> for Specialisation {
    fn from(spec: InputSpec) -> Self {
        Self::new("conv2d_lanes_backward_input")
            .with_u32("LANES", spec.lanes)
            .with_u32("PIXELS", spec.pixels)
            .with_u32("CHANNELS", spec.channels)
            .with_bool("VEC_DY", spec.vec4_gradient)
            .with_bool("VEC_W", spec.vec4)
    }
}

/// What `conv2d_lanes_backward_weight` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WeightSpec {
    /// Lanes of a subgroup.
    pub lanes: u32,
    /// Channels in a load of x: 4 or 1.
    pub width: u32,
    /// Loads of x for a lane and pixel.
    pub loads: u32,
    /// One tap and no padding.
    pub point: bool,
    /// Output channels of a workgroup.
    pub channels: u32,
    /// The output's gradient is read by vec4.
    pub vec4: bool,
}

impl From<WeightSpec> for Specialisation {
    fn from(spec: WeightSpec) -> Self {
        Self::new("conv2d_lanes_backward_weight")
            .with_u32("LANES", spec.lanes)
            .with_u32("WIDTH", spec.width)
            .with_u32("LOADS", spec.loads)
            .with_bool("POINT", spec.point)
            .with_u32("CHANNELS", spec.channels)
            .with_bool("VEC_DY", spec.vec4)
    }
}

/// The channels of a tile, at most `most`, for `channels` of a group: 32 only where nothing of it is lost.
fn channel_tile(channels: usize, most: usize) -> usize {
    match channels {
        0..=4 => 4,
        5..=8 => 8,
        _ if most == 32 && channels.is_multiple_of(32) => 32,
        _ => 16,
    }
}

/// Whether a kernel that takes twice as long to compile is worth its last third of speed. Where a network has larger
/// convolutions, as most have, its smaller ones then share their kernel.
fn large(problem: &Problem) -> bool {
    problem.flops() >= 1 << 23
}

/// Whether a lane's pixels are those of a window, as many as it has otherwise.
pub(super) fn pools(windows: Windows) -> bool {
    windows.pixels() == 4
}

pub(super) fn forward(
    context: &Context,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
    pooling: Option<&Pooling>,
) -> Result<()> {
    let op = Pass::Forward.name();
    let number = |value| to_u32(op, value);
    let Operands { x, weight, bias, residual, y } = *operands;
    let packed = weight.packed(context, problem, pack::inputs_by_outputs)?;
    let lanes = Device::of(context).lanes as usize;
    let pool = pooling.and_then(|pooling| Windows::new(pooling, problem.y_shape));
    let epilogue = Epilogue::new(bias, residual, y, activation).pooled(pool);
    let spec = ForwardSpec::new(lanes as u32, problem, epilogue);
    let pixel_tiles = match pool {
        Some(Windows { size, .. }) => {
            let [n, _, h, w] = problem.y_shape;
            (n * (h / size[0] as usize) * (w / size[1] as usize)).div_ceil(lanes)
        }
        None => problem.y_pixels().div_ceil(lanes * spec.pixels as usize),
    };
    let channel_tiles = problem.group_channels()[1].div_ceil(spec.channels as usize);
    let groups = pixel_tiles * channel_tiles * problem.op.groups;
    let shared = problem.params(op, 0, activation)?;
    let [p0, p1] = parameters(activation);
    let params = ForwardParams {
        batch: shared.x_shape[0],
        height: shared.x_shape[2],
        width: shared.x_shape[3],
        in_channels: shared.x_shape[1],
        out_height: shared.y_shape[2],
        out_width: shared.y_shape[3],
        out_channels: shared.y_shape[1],
        kernel_h: shared.w_shape[2],
        kernel_w: shared.w_shape[3],
        stride_h: shared.stride[0],
        stride_w: shared.stride[1],
        pad_h: shared.padding[0],
        pad_w: shared.padding[1],
        dilation_h: shared.dilation[0],
        dilation_w: shared.dilation[1],
        conv_groups: shared.groups,
        pixel_tiles: number(pixel_tiles)?,
        channel_tiles: number(channel_tiles)?,
        groups: number(groups)?,
        p0,
        p1,
        divisor: divisor(pooling),
    };
    let buffers =
        [x, &packed, bias.unwrap_or(&packed), crate::epilogue::bound_residual(residual, y, &packed), y];
    let dispatch =
        Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &buffers, groups: groups as u64 };
    context.dispatch(&spec.into(), &dispatch)
}

pub(super) fn backward_input(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    weight: &Buffer,
    grad_x: &Buffer,
) -> Result<()> {
    if narrow::fits(problem) {
        return narrow::backward_input(context, problem, grad_y, weight, grad_x);
    }
    let op = Pass::BackwardInput.name();
    let number = |value| to_u32(op, value);
    let packed = pack::outputs_by_inputs(context, op, problem, weight)?;
    let lanes = Device::of(context).lanes as usize;
    let [inputs, outputs] = problem.group_channels();
    let ([batch, _, height, width], stride) = (problem.x_shape, problem.op.stride);
    let phases = stride[0] * stride[1];
    let phase_pixels = batch * height.div_ceil(stride[0]) * width.div_ceil(stride[1]);
    let channels = channel_tile(inputs, if large(problem) { 32 } else { 16 });
    let channel_tiles = inputs.div_ceil(channels);
    let pixels = if phase_pixels <= 16 { 2 } else { 4 };
    let groups = phase_pixels.div_ceil(lanes * pixels) * channel_tiles * problem.op.groups * phases;
    let spec = InputSpec {
        lanes: lanes as u32,
        pixels: pixels as u32,
        channels: channels as u32,
        vec4_gradient: outputs.is_multiple_of(4),
        vec4: inputs.is_multiple_of(4),
    };
    let step = |axis: usize| number(stride[axis] / gcd(stride[axis], problem.op.dilation[axis]));
    let shared = problem.params(op, 0, None)?;
    let params = InputParams {
        batch: shared.x_shape[0],
        height: shared.x_shape[2],
        width: shared.x_shape[3],
        in_channels: shared.x_shape[1],
        out_height: shared.y_shape[2],
        out_width: shared.y_shape[3],
        out_channels: shared.y_shape[1],
        kernel_h: shared.w_shape[2],
        kernel_w: shared.w_shape[3],
        stride_h: shared.stride[0],
        stride_w: shared.stride[1],
        pad_h: shared.padding[0],
        pad_w: shared.padding[1],
        dilation_h: shared.dilation[0],
        dilation_w: shared.dilation[1],
        conv_groups: shared.groups,
        tap_step_h: step(0)?,
        tap_step_w: step(1)?,
        pixel_tiles: number(phase_pixels.div_ceil(lanes * pixels))?,
        channel_tiles: number(channel_tiles)?,
        groups: number(groups)?,
    };
    let buffers = [grad_y, &packed, grad_x];
    let dispatch =
        Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &buffers, groups: groups as u64 };
    context.dispatch(&spec.into(), &dispatch)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

pub(super) fn backward_weight(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    x: &Buffer,
    grad_weight: &Buffer,
) -> Result<()> {
    let op = Pass::BackwardWeight.name();
    let number = |value| to_u32(op, value);
    let lanes = Device::of(context).lanes as usize;
    let ([inputs, outputs], terms) = (problem.group_channels(), problem.terms());
    let (width, loads) = if inputs.is_multiple_of(4) { (4, 1) } else { (1, terms.div_ceil(lanes).min(4)) };
    let channels = channel_tile(outputs, if large(problem) { 32 } else { 16 });
    let spec = WeightSpec {
        lanes: lanes as u32,
        width: width as u32,
        loads: loads as u32,
        point: terms == inputs && problem.op.padding == [0, 0],
        channels: channels as u32,
        vec4: outputs.is_multiple_of(4),
    };
    let row_tiles = terms.div_ceil(lanes * loads * width);
    let channel_tiles = outputs.div_ceil(channels);
    let (pixels, tiles) = (problem.y_pixels(), row_tiles * channel_tiles * problem.op.groups);
    // Parts of at least 256 pixels until there are 32 workgroups; none so long that its sum loses digits.
    let splits = 32usize.div_ceil(tiles).min(pixels.div_ceil(256)).max(pixels.div_ceil(16_384));
    let chunk = pixels.div_ceil(splits);
    let splits = pixels.div_ceil(chunk);
    let groups = tiles * splits;
    let shared = problem.params(op, 0, None)?;
    let params = WeightParams {
        batch: shared.x_shape[0],
        height: shared.x_shape[2],
        width: shared.x_shape[3],
        in_channels: shared.x_shape[1],
        out_height: shared.y_shape[2],
        out_width: shared.y_shape[3],
        out_channels: shared.y_shape[1],
        kernel_h: shared.w_shape[2],
        kernel_w: shared.w_shape[3],
        stride_h: shared.stride[0],
        stride_w: shared.stride[1],
        pad_h: shared.padding[0],
        pad_w: shared.padding[1],
        dilation_h: shared.dilation[0],
        dilation_w: shared.dilation[1],
        conv_groups: shared.groups,
        row_tiles: number(row_tiles)?,
        channel_tiles: number(channel_tiles)?,
        pixel_chunk: number(chunk)?,
        groups: number(groups)?,
    };
    let count = problem.w_count();
    number(count * splits)?;
    let run = |to: &Buffer| {
        let buffers = [x, grad_y, to];
        let dispatch =
            Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &buffers, groups: groups as u64 };
        context.dispatch(&spec.into(), &dispatch)
    };
    if splits == 1 {
        return run(grad_weight);
    }
    let partials = context.alloc((count * splits * 4) as u64)?;
    run(&partials)?;
    let reduction = Reduction { count, splits, bias_inner: 1, bias_period: 1, accumulate: false };
    split_k_reduce(context, op, &reduction, &partials, Addends::default(), grad_weight, None)
}
