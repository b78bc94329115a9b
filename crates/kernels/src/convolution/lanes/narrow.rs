//! `conv2d_lanes_backward_input_narrow`: the gradient of few channels by neighbours in a row.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::{
    base::{
        device::Device,
        numbers::to_u32,
        params::{ParamsLayout, params},
    },
    convolution::problem::{Pass, Problem},
};

params! { Params for "conv2d_lanes_backward_input_narrow" {
    batch: u32, height: u32, width: u32,
    out_height: u32, out_width: u32, out_channels: u32,
    kernel_h: u32, kernel_w: u32, stride_h: u32, stride_w: u32, pad_h: u32, pad_w: u32,
    rows: u32, row_runs: u32, run_tiles: u32, groups: u32,
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
    let ([batch, channels, height, width], [_, outputs, out_height, out_width]) =
        (problem.x_shape, problem.y_shape);
    let ([_, _, kernel_h, kernel_w], [stride_h, stride_w], [pad_h, pad_w]) =
        (problem.w_shape, problem.op.stride, problem.op.padding);
    let rows = height.div_ceil(stride_h);
    let row_runs = width.div_ceil(stride_w).div_ceil(PIXELS);
    let run_tiles = (batch * rows * row_runs).div_ceil(lanes);
    let groups = run_tiles * stride_h * stride_w;
    for count in [problem.x_count(), problem.w_count(), problem.y_count(), groups * lanes * PIXELS] {
        number(count)?;
    }
    let params = Params {
        batch: number(batch)?,
        height: number(height)?,
        width: number(width)?,
        out_height: number(out_height)?,
        out_width: number(out_width)?,
        out_channels: number(outputs)?,
        kernel_h: number(kernel_h)?,
        kernel_w: number(kernel_w)?,
        stride_h: number(stride_h)?,
        stride_w: number(stride_w)?,
        pad_h: number(pad_h)?,
        pad_w: number(pad_w)?,
        rows: number(rows)?,
        row_runs: number(row_runs)?,
        run_tiles: number(run_tiles)?,
        groups: number(groups)?,
    };
    let spec =
        Spec { lanes: lanes as u32, channels: channels as u32, taps: kernel_w.div_ceil(stride_w) as u32 };
    let dispatch = Dispatch {
        op,
        params: bytemuck::bytes_of(&params),
        buffers: &[grad_y, weight, grad_x],
        groups: groups as u64,
    };
    context.dispatch(&spec.into(), &dispatch)
}
