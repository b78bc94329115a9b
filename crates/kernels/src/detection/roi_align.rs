//! `roi_align`, `roi_align_weights` and `roi_align_backward`.

use tilewright_ops::RoiAlign;
use tilewright_runtime::{Buffer, Context, Dispatch, Error, Result};
use tilewright_shaders::Specialisation;

use super::regions::{kernel, pair, regions_at_once, slices, values};
use crate::{
    base::{
        numbers::{WORKGROUP, to_u32, workgroups},
        params::{ParamsLayout, params},
    },
    elementwise::fill::fill,
};

params! { Params for "roi_align" {
    input: [u32; 2],
    output: [u32; 2],
    images: u32,
    channels: u32,
    count: u32,
    ratio: u32,
    first: u32,
    rows: u32,
    scale: f32,
    offset: f32,
    least: f32,
    nan: f32,
} }

params! { WeightParams for "roi_align_weights" {
    input: [u32; 2],
    output: [u32; 2],
    images: u32,
    region: u32,
    count: u32,
    ratio: u32,
    scale: f32,
    offset: f32,
    least: f32,
    pad: u32,
} }

params! { BackwardParams for "roi_align_backward" {
    input: [u32; 2],
    output: [u32; 2],
    channels: u32,
    count: u32,
    region: u32,
    regions: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT, WeightParams::LAYOUT, BackwardParams::LAYOUT];

/// Bytes of weights that are made at once: some regions less than a device holds cost a launch more.
const WEIGHTS: u64 = 64 << 20;

/// Half a pixel, and the least height and width of a region.
fn alignment(op: &RoiAlign) -> [f32; 2] {
    if op.aligned { [0.5, f32::NEG_INFINITY] } else { [0.0, 1.0] }
}

/// The means `y` (K C OH OW, channels-last) of the bins of `count` regions of x (N C H W, channels-last).
pub fn roi_align(
    context: &Context,
    op: &RoiAlign,
    x_shape: [usize; 4],
    count: usize,
    [x, rois, y]: [&Buffer; 3],
) -> Result<()> {
    let name = "roi_align";
    let [images, channels, height, width] = x_shape;
    values(name, x_shape)?;
    let count = values(name, [count, channels, op.output[0], op.output[1]])?;
    if count == 0 {
        return Ok(());
    }
    let [offset, least] = alignment(op);
    let of_axis = |extent: usize| if op.sampling_ratio > 0 { op.sampling_ratio } else { extent + 5 };
    let most = of_axis(height);
    let (rows, firsts) = slices(context, most, of_axis(width) + 1);
    for first in firsts {
        let params = Params {
            input: pair(name, [height, width])?,
            output: pair(name, op.output)?,
            images: to_u32(name, images)?,
            channels: values(name, [1, channels, 1, 1])?,
            count,
            ratio: to_u32(name, op.sampling_ratio)?,
            first: to_u32(name, first)?,
            rows: to_u32(name, rows)?,
            scale: op.spatial_scale,
            offset,
            least,
            nan: f32::NAN,
        };
        let (params, groups, buffers) = (bytemuck::bytes_of(&params), workgroups(count), &[x, rois, y]);
        let kernel = kernel(name, channels);
        context.dispatch(&kernel, &Dispatch { op: name, params, buffers, groups })?;
    }
    Ok(())
}

/// The gradient of x (N C H W, channels-last) through [`roi_align`], from that of its result.
pub fn roi_align_backward(
    context: &Context,
    op: &RoiAlign,
    x_shape: [usize; 4],
    count: usize,
    [rois, grad_y, grad_x]: [&Buffer; 3],
) -> Result<()> {
    let name = "roi_align_backward";
    let [images, channels, height, width] = x_shape;
    let (pixels, results) = (values(name, x_shape)?, [count, channels, op.output[0], op.output[1]]);
    if pixels == 0 {
        return Ok(());
    }
    if values(name, results)? == 0 {
        return fill(context, grad_x, x_shape.iter().product(), 0);
    }
    let numbers = height * op.output[0] + width * op.output[1];
    let limit = context.limits().max_storage_buffer_binding_size;
    if numbers as u64 * 4 > limit {
        return Err(Error::Limit {
            op: name.to_owned(),
            what: "the bytes of a binding",
            needed: numbers as u64 * 4,
            limit,
            detail: format!("the weights of {:?} bins for each row and column of {x_shape:?}", op.output),
        });
    }
    let fitting = (WEIGHTS.min(limit) / (numbers as u64 * 4)) as usize;
    let regions = count.min(regions_at_once(op.output)).min(fitting.max(1));
    let (weights, spans) = (
        context.alloc((regions * numbers * 4) as u64)?,
        context.alloc((regions * (height + width) * 4) as u64)?,
    );
    let [offset, least] = alignment(op);
    let (input, output) = (pair(name, [height, width])?, pair(name, op.output)?);
    for first in (0..count).step_by(regions) {
        let (own, region) = (regions.min(count - first), to_u32(name, first)?);
        let threads = to_u32(name, own * (height + width))?;
        let params = WeightParams {
            input,
            output,
            images: to_u32(name, images)?,
            region,
            count: threads,
            ratio: to_u32(name, op.sampling_ratio)?,
            scale: op.spatial_scale,
            offset,
            least,
            pad: 0,
        };
        let made = Specialisation::new("roi_align_weights").with_u32("WORKGROUP", WORKGROUP);
        let (buffers, groups) = (&[rois, &weights, &spans], workgroups(threads));
        let params = bytemuck::bytes_of(&params);
        context.dispatch(&made, &Dispatch { op: name, params, buffers, groups })?;
        let params = BackwardParams {
            input,
            output,
            channels: values(name, [1, channels, 1, 1])?,
            count: pixels,
            region,
            regions: to_u32(name, own)?,
        };
        let buffers = &[rois, &weights, &spans, grad_y, grad_x];
        let (params, groups) = (bytemuck::bytes_of(&params), workgroups(pixels));
        context.dispatch(&kernel(name, channels), &Dispatch { op: name, params, buffers, groups })?;
    }
    Ok(())
}
