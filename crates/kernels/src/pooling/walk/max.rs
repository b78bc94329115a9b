//! `max_pool2d_walk`, `max_pool2d_strip` and `max_pool2d_backward_walk`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};

use super::{
    backward::WalkBack,
    common::{wide, widened_places, workgroups},
    forward::Walk,
};
use crate::{
    base::{
        numbers::to_u32,
        params::{ParamsLayout, params},
    },
    pooling::window::{Window, kernel, values},
};

params! { MaxParams for "max_pool2d_walk" {
    input: [u32; 2],
    output: [u32; 2],
    padding: [u32; 2],
    channels: u32,
    count: u32,
} }

params! { MaxStripParams for "max_pool2d_strip" {
    input: [u32; 2],
    output: [u32; 2],
    padding: [u32; 2],
    channels: u32,
    count: u32,
    never: u32,
    pad: u32,
} }

params! { MaxBackwardParams for "max_pool2d_backward_walk" {
    input: [u32; 2],
    output: [u32; 2],
    padding: [u32; 2],
    tiles: [u32; 2],
    channels: u32,
    count: u32,
    never: u32,
    pad: u32,
} }

pub(crate) const LAYOUTS: &[ParamsLayout] =
    &[MaxParams::LAYOUT, MaxStripParams::LAYOUT, MaxBackwardParams::LAYOUT];

/// The maxima, and their places unless `indices` has none.
pub(crate) fn max(
    walk: &Walk,
    context: &Context,
    op: &str,
    shapes: [[usize; 4]; 2],
    index: &'static str,
    buffers: &[&Buffer; 3],
    indices: bool,
) -> Result<()> {
    let Window { input, output, padding, channels, .. } = walk.window;
    // With f32 loads the strip is no quicker than one row.
    let strip = wide(context, shapes[0][1]).then(|| walk.strip("max_pool2d_strip", shapes[1])).flatten();
    if let Some((kernel, units)) = strip {
        values(op, shapes[0])?;
        let count = to_u32(op, units)?;
        let params = MaxStripParams { input, output, padding, channels, count, never: 0, pad: 0 };
        let kernel =
            widened_places(context, kernel, true).with_type("INDEX", index).with_bool("INDICES", indices);
        let [x, y, places] = *buffers;
        let params = bytemuck::bytes_of(&params);
        let buffers = &[x, y, places, x];
        return context.dispatch(&kernel, &Dispatch { op, params, buffers, groups: workgroups(count) });
    }
    let count = walk.threads(op, shapes[1])?;
    let params = MaxParams { input, output, padding, channels, count };
    let kernel = walk
        .constants(kernel("max_pool2d_walk", shapes[0][1]))
        .with_type("INDEX", index)
        .with_bool("INDICES", indices);
    let params = bytemuck::bytes_of(&params);
    context.dispatch(&kernel, &Dispatch { op, params, buffers, groups: workgroups(count) })
}

/// The gradient of the maximum; `buffers` are the kernel's.
pub(crate) fn max_backward(
    walk: &WalkBack,
    context: &Context,
    op: &str,
    channels: usize,
    index: &'static str,
    buffers: &[&Buffer; 3],
) -> Result<()> {
    let Window { input, output, padding, .. } = walk.window;
    let (tiles, count) = (walk.tiles, walk.count);
    let params = MaxBackwardParams {
        input,
        output,
        padding,
        tiles,
        channels: walk.window.channels,
        count,
        never: 0,
        pad: 0,
    };
    let kernel = walk.constants(kernel("max_pool2d_backward_walk", channels)).with_type("INDEX", index);
    let kernel = widened_places(context, kernel, wide(context, channels));
    let params = bytemuck::bytes_of(&params);
    let [indices, grad_y, grad_x] = *buffers;
    let buffers = &[indices, grad_y, grad_x, indices, grad_y];
    context.dispatch(&kernel, &Dispatch { op, params, buffers, groups: workgroups(count) })
}
