//! `avg_pool2d_walk`, `avg_pool2d_strip` and `avg_pool2d_backward_walk`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};

use super::{
    backward::WalkBack,
    common::{wide, widened, workgroups},
    forward::Walk,
};
use crate::{
    base::{
        numbers::to_u32,
        params::{ParamsLayout, params},
    },
    pooling::window::{Window, kernel, values},
};

params! { AverageParams for "avg_pool2d_walk", "avg_pool2d_strip" {
    input: [u32; 2],
    output: [u32; 2],
    padding: [u32; 2],
    channels: u32,
    count: u32,
    divisor: f32,
    never: u32,
} }

params! { AverageBackwardParams for "avg_pool2d_backward_walk" {
    input: [u32; 2],
    output: [u32; 2],
    padding: [u32; 2],
    tiles: [u32; 2],
    channels: u32,
    count: u32,
    divisor: f32,
    never: u32,
} }

pub(crate) const LAYOUTS: &[ParamsLayout] = &[AverageParams::LAYOUT, AverageBackwardParams::LAYOUT];

/// The averages; `kind` is the kernel's `DIVISOR`.
pub(crate) fn average(
    walk: &Walk,
    context: &Context,
    op: &str,
    shapes: [[usize; 4]; 2],
    kind: u32,
    divisor: f32,
    buffers: &[&Buffer; 2],
) -> Result<()> {
    values(op, shapes[0])?;
    let strip = walk.strip("avg_pool2d_strip", shapes[1]);
    let [x, y] = *buffers;
    // Words of 64 bits do not pay in a walk along one row, which loads much more than it stores: 2×2 took 1.19 times as long.
    let (kernel, count, buffers) = match strip {
        Some((kernel, units)) => {
            (widened(context, kernel, wide(context, shapes[0][1])), to_u32(op, units)?, &[x, y, x][..])
        }
        None => {
            let kernel = walk.constants(kernel("avg_pool2d_walk", shapes[0][1]));
            (kernel, walk.threads(op, shapes[1])?, &buffers[..])
        }
    };
    let Window { input, output, padding, channels, .. } = walk.window;
    let params = AverageParams { input, output, padding, channels, count, divisor, never: 0 };
    let kernel = kernel.with_u32("DIVISOR", kind);
    let params = bytemuck::bytes_of(&params);
    context.dispatch(&kernel, &Dispatch { op, params, buffers, groups: workgroups(count) })
}

/// The gradient of the average; `kind` is the kernel's `DIVISOR`.
pub(crate) fn average_backward(
    walk: &WalkBack,
    context: &Context,
    op: &str,
    channels: usize,
    (kind, divisor): (u32, f32),
    buffers: &[&Buffer; 2],
) -> Result<()> {
    let Window { input, output, padding, .. } = walk.window;
    let (tiles, count) = (walk.tiles, walk.count);
    let params = AverageBackwardParams {
        input,
        output,
        padding,
        tiles,
        channels: walk.window.channels,
        count,
        divisor,
        never: 0,
    };
    let kernel = walk.constants(kernel("avg_pool2d_backward_walk", channels)).with_u32("DIVISOR", kind);
    let kernel = widened(context, kernel, wide(context, channels));
    let [grad_y, grad_x] = *buffers;
    let buffers = &[grad_y, grad_x, grad_y];
    let params = bytemuck::bytes_of(&params);
    context.dispatch(&kernel, &Dispatch { op, params, buffers, groups: workgroups(count) })
}
