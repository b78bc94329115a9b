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
        geometry::Geometry,
        pack,
        problem::{Pass, Problem},
    },
};

params! { InputParams for "conv2d_lanes_backward_input" {
    geometry: Geometry,
    tap_step_h: u32, tap_step_w: u32, pixel_tiles: u32, channel_tiles: u32, workgroups: u32,
    pad0: u32, pad1: u32, pad2: u32,
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
    let workgroups = phase_pixels.div_ceil(lanes * pixels) * channel_tiles * problem.op.groups * phases;
    let spec = InputSpec {
        lanes: lanes as u32,
        pixels: pixels as u32,
        channels: channels as u32,
        vec4_gradient: outputs.is_multiple_of(4),
        vec4: inputs.is_multiple_of(4),
    };
    let step = |axis: usize| number(stride[axis] / gcd(stride[axis], problem.op.dilation[axis]));
    let params = InputParams {
        geometry: Geometry::new(op, problem)?,
        tap_step_h: step(0)?,
        tap_step_w: step(1)?,
        pixel_tiles: number(phase_pixels.div_ceil(lanes * pixels))?,
        channel_tiles: number(channel_tiles)?,
        workgroups: number(workgroups)?,
        pad0: 0,
        pad1: 0,
        pad2: 0,
    };
    let buffers = [grad_y, &packed, grad_x];
    let dispatch =
        Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &buffers, groups: workgroups as u64 };
    context.dispatch(&spec.into(), &dispatch)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
