//! `roi_pool` and `roi_pool_backward`.

use tilewright_ops::RoiPool;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};

use super::regions::{index_type, kernel, pair, regions_at_once, slices, values};
use crate::{
    base::{
        numbers::{to_u32, workgroups},
        params::{ParamsLayout, params},
    },
    elementwise::fill::fill,
};

params! { Params for "roi_pool" {
    input: [u32; 2],
    output: [u32; 2],
    images: u32,
    channels: u32,
    count: u32,
    first: u32,
    rows: u32,
    scale: f32,
    nan: f32,
    pad: u32,
} }

params! { BackwardParams for "roi_pool_backward" {
    input: [u32; 2],
    output: [u32; 2],
    channels: u32,
    count: u32,
    region: u32,
    regions: u32,
    scale: f32,
    pad: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT, BackwardParams::LAYOUT];

/// The largest elements `y` (K C OH OW, channels-last) of the bins of `count` regions of x (N C H W, channels-last), and their
/// places `indices` (i32) in the plane.
pub fn roi_pool(
    context: &Context,
    op: &RoiPool,
    x_shape: [usize; 4],
    count: usize,
    buffers: [&Buffer; 4],
) -> Result<()> {
    let name = "roi_pool";
    let [images, channels, height, width] = x_shape;
    values(name, x_shape)?;
    let count = values(name, [count, channels, op.output[0], op.output[1]])?;
    if count == 0 {
        return Ok(());
    }
    let (rows, firsts) = slices(context, height, width);
    for first in firsts {
        let params = Params {
            input: pair(name, [height, width])?,
            output: pair(name, op.output)?,
            images: to_u32(name, images)?,
            channels: values(name, [1, channels, 1, 1])?,
            count,
            first: to_u32(name, first)?,
            rows: to_u32(name, rows)?,
            scale: op.spatial_scale,
            nan: f32::NAN,
            pad: 0,
        };
        let kernel = kernel(name, channels).with_type("INDEX", index_type(channels));
        let (params, groups) = (bytemuck::bytes_of(&params), workgroups(count));
        context.dispatch(&kernel, &Dispatch { op: name, params, buffers: &buffers, groups })?;
    }
    Ok(())
}

/// The gradient of x (N C H W, channels-last) through [`roi_pool`], from that of its result.
pub fn roi_pool_backward(
    context: &Context,
    op: &RoiPool,
    x_shape: [usize; 4],
    count: usize,
    buffers: [&Buffer; 4],
) -> Result<()> {
    let name = "roi_pool_backward";
    let [_, channels, height, width] = x_shape;
    let (pixels, results) = (values(name, x_shape)?, [count, channels, op.output[0], op.output[1]]);
    if pixels == 0 {
        return Ok(());
    }
    if values(name, results)? == 0 {
        return fill(context, buffers[3], x_shape.iter().product(), 0);
    }
    let regions = regions_at_once(op.output);
    for first in (0..count).step_by(regions) {
        let params = BackwardParams {
            input: pair(name, [height, width])?,
            output: pair(name, op.output)?,
            channels: values(name, [1, channels, 1, 1])?,
            count: pixels,
            region: to_u32(name, first)?,
            regions: to_u32(name, regions.min(count - first))?,
            scale: op.spatial_scale,
            pad: 0,
        };
        let kernel = kernel(name, channels).with_type("INDEX", index_type(channels));
        let (params, groups) = (bytemuck::bytes_of(&params), workgroups(pixels));
        context.dispatch(&kernel, &Dispatch { op: name, params, buffers: &buffers, groups })?;
    }
    Ok(())
}
