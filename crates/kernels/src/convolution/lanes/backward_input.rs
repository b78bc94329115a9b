//! `conv2d_lanes_backward_input`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::tile::{channel_tile, large};
use crate::{
    base::{
        device::Device,
        numbers::to_u32,
        params::{ParamsLayout, params},
    },
    convolution::{
        pack,
        problem::{Pass, Problem},
    },
};

params! { InputParams for "conv2d_lanes_backward_input" {
    batch: u32, height: u32, width: u32, in_channels: u32,
    out_height: u32, out_width: u32, out_channels: u32,
    kernel_h: u32, kernel_w: u32, stride_h: u32, stride_w: u32,
    pad_h: u32, pad_w: u32, dilation_h: u32, dilation_w: u32, conv_groups: u32,
    tap_step_h: u32, tap_step_w: u32, pixel_tiles: u32, channel_tiles: u32, groups: u32,
} }

pub(crate) const LAYOUT: ParamsLayout = InputParams::LAYOUT;

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

pub(super) fn backward_input(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    weight: &Buffer,
    grad_x: &Buffer,
) -> Result<()> {
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
