//! `conv2d_lanes_backward_weight`.

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
        problem::{Pass, Problem},
    },
    matmul::split_k_reduce::{Addends, Reduction, split_k_reduce},
};

params! { WeightParams for "conv2d_lanes_backward_weight" {
    geometry: Geometry,
    row_tiles: u32, channel_tiles: u32, pixel_chunk: u32, workgroups: u32,
} }

pub(crate) const LAYOUT: ParamsLayout = WeightParams::LAYOUT;

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
    let workgroups = tiles * splits;
    let params = WeightParams {
        geometry: Geometry::new(op, problem)?,
        row_tiles: number(row_tiles)?,
        channel_tiles: number(channel_tiles)?,
        pixel_chunk: number(chunk)?,
        workgroups: number(workgroups)?,
    };
    let count = problem.w_count();
    number(count * splits)?;
    let run = |to: &Buffer| {
        let buffers = [x, grad_y, to];
        let dispatch = Dispatch {
            op,
            params: bytemuck::bytes_of(&params),
            buffers: &buffers,
            groups: workgroups as u64,
        };
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
