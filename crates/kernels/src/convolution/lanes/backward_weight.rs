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
    convolution::problem::{Pass, Problem},
    matmul::split_k_reduce::{Addends, Reduction, split_k_reduce},
};

params! { WeightParams for "conv2d_lanes_backward_weight" {
    batch: u32, height: u32, width: u32, in_channels: u32,
    out_height: u32, out_width: u32, out_channels: u32,
    kernel_h: u32, kernel_w: u32, stride_h: u32, stride_w: u32,
    pad_h: u32, pad_w: u32, dilation_h: u32, dilation_w: u32, conv_groups: u32,
    row_tiles: u32, channel_tiles: u32, pixel_chunk: u32, groups: u32,
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
