//! `conv2d_lanes_backward_input_narrow`: the gradient of few channels by neighbours in a row.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::{
    base::{
        device::Device,
        numbers::to_u32,
        params::{ParamsLayout, params},
    },
    convolution::{
        geometry::Geometry,
        problem::{Pass, Problem},
    },
};

params! { Params for "conv2d_lanes_backward_input_narrow" {
    geometry: Geometry,
    rows: u32, row_runs: u32, run_tiles: u32, workgroups: u32,
} }

pub(crate) const LAYOUT: ParamsLayout = Params::LAYOUT;

/// Neighbours of a lane.
const PIXELS: usize = 8;

/// What `conv2d_lanes_backward_input_narrow` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// Lanes of a subgroup.
    pub lanes: u32,
    /// Input channels, 2 to 4.
    pub channels: u32,
    /// Taps of a phase in a row, 8 at most.
    pub taps: u32,
}

impl From<Spec> for Specialisation {
    fn from(spec: Spec) -> Self {
        let pixel = match spec.channels {
            2 => "vec2<f32>",
            3 => "vec3<f32>",
            _ => "vec4<f32>",
        };
        Self::new("conv2d_lanes_backward_input_narrow")
            .with_u32("LANES", spec.lanes)
            .with_u32("CHANNELS", spec.channels)
            .with_type("Pixel", pixel)
            .with_u32("TAPS", spec.taps)
            .with_u32("PIXELS", PIXELS as u32)
    }
}

/// Whether it computes the gradient of `problem` by its input.
pub(super) fn fits(problem: &Problem) -> bool {
    let ([inputs, outputs], op) = (problem.group_channels(), &problem.op);
    (2..=4).contains(&inputs)
        && outputs.is_multiple_of(4)
        && op.groups == 1
        && op.dilation == [1, 1]
        && problem.w_shape[3].div_ceil(op.stride[1]) <= 8
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
    let lanes = Device::of(context).lanes as usize;
    let ([batch, channels, height, width], [stride_h, stride_w]) = (problem.x_shape, problem.op.stride);
    let rows = height.div_ceil(stride_h);
    let row_runs = width.div_ceil(stride_w).div_ceil(PIXELS);
    let run_tiles = (batch * rows * row_runs).div_ceil(lanes);
    let workgroups = run_tiles * stride_h * stride_w;
    number(workgroups * lanes * PIXELS)?;
    let params = Params {
        geometry: Geometry::new(op, problem)?,
        rows: number(rows)?,
        row_runs: number(row_runs)?,
        run_tiles: number(run_tiles)?,
        workgroups: number(workgroups)?,
    };
    let spec = Spec {
        lanes: lanes as u32,
        channels: channels as u32,
        taps: problem.w_shape[3].div_ceil(stride_w) as u32,
    };
    let dispatch = Dispatch {
        op,
        params: bytemuck::bytes_of(&params),
        buffers: &[grad_y, weight, grad_x],
        groups: workgroups as u64,
    };
    context.dispatch(&spec.into(), &dispatch)
}
