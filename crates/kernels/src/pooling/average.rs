//! `avg_pool2d` and `avg_pool2d_backward`, which sum-pool with a divisor of 1.

use tilewright_ops::{DType, Pool2d, UnaryOp};
use tilewright_runtime::{Buffer, Context, Dispatch, Result};

use super::{
    walk::{
        average::{average, average_backward},
        backward::WalkBack,
        forward::Walk,
        tiles::fill_tiles,
    },
    window::{
        Window, bytes, check_steps, coarsening, cover, dilated, kernel, pair, split, stride_tiles, tap_steps,
        tiled, values, window_steps,
    },
};
use crate::{
    base::{
        magic::magic,
        params::{ParamsLayout, params},
        strided::Strided,
    },
    elementwise::unary::unary,
    movement::strided_copy::strided_copy,
};

params! { Params for "avg_pool2d", "avg_pool2d_backward" {
    input: [u32; 2],
    output: [u32; 2],
    kernel: [u32; 2],
    stride: [u32; 2],
    padding: [u32; 2],
    dilation: [u32; 2],
    by_channels: [u32; 2],
    by_height: [u32; 2],
    by_width: [u32; 2],
    by_stride_height: [u32; 2],
    by_stride_width: [u32; 2],
    channels: u32,
    count: u32,
    divisor: f32,
    pad: u32,
} }

params! { TileParams for "avg_pool2d_backward_tiles" {
    input: [u32; 2],
    output: [u32; 2],
    kernel: [u32; 2],
    stride: [u32; 2],
    padding: [u32; 2],
    tiles: [u32; 2],
    by_channels: [u32; 2],
    by_height: [u32; 2],
    by_width: [u32; 2],
    channels: u32,
    count: u32,
    divisor: f32,
    pad: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT, TileParams::LAYOUT];

/// The averages `y` of the windows over `x`; a pool whose `divisor_override` is 1 gives the sums. `op` names the
/// operation in errors and profiles.
pub fn avg_pool2d(
    context: &Context,
    op: &str,
    pool: &Pool2d,
    x_shape: [usize; 4],
    y_shape: [usize; 4],
    x: &Buffer,
    y: &Buffer,
) -> Result<()> {
    let steps = tap_steps(pool);
    if split(steps) {
        let [rows, columns] = axes(pool);
        let between = [x_shape[0], x_shape[1], y_shape[2], x_shape[3]];
        let partial = context.alloc(bytes(between))?;
        avg_pool2d(context, op, &rows, x_shape, between, x, &partial)?;
        return avg_pool2d(context, op, &columns, between, y_shape, &partial, y);
    }
    if let Some(walk) = Walk::new(context, op, pool, x_shape, y_shape)? {
        let divisor = pool.divisor_override.unwrap_or(1) as f32;
        return average(&walk, context, op, [x_shape, y_shape], divisor_kind(pool), divisor, &[x, y]);
    }
    check_steps(op, steps, x_shape)?;
    launch(context, "avg_pool2d", op, pool, [x_shape, y_shape, y_shape], steps, &[x, y])
}

/// The gradient of x through [`avg_pool2d`].
pub fn avg_pool2d_backward(
    context: &Context,
    op: &str,
    pool: &Pool2d,
    x_shape: [usize; 4],
    y_shape: [usize; 4],
    grad_y: &Buffer,
    grad_x: &Buffer,
) -> Result<()> {
    let steps = window_steps(pool, y_shape);
    if split(steps) {
        let [rows, columns] = axes(pool);
        let between = [x_shape[0], x_shape[1], y_shape[2], x_shape[3]];
        let partial = context.alloc(bytes(between))?;
        avg_pool2d_backward(context, op, &columns, between, y_shape, grad_y, &partial)?;
        return avg_pool2d_backward(context, op, &rows, x_shape, between, &partial, grad_x);
    }
    if tiled(pool) {
        return backward_tiles(context, op, pool, [x_shape, y_shape], &[grad_y, grad_x]);
    }
    if let Some(divisor) = tiles(pool, x_shape, y_shape) {
        return repeat_tiles(context, op, pool, y_shape, divisor, grad_y, grad_x);
    }
    check_steps(op, steps, x_shape)?;
    launch(context, "avg_pool2d_backward", op, pool, [x_shape, y_shape, x_shape], steps, &[grad_y, grad_x])
}

/// The divisor, if the windows are tiles of the image: they touch, do not overlap, and nothing is left.
fn tiles(pool: &Pool2d, x_shape: [usize; 4], y_shape: [usize; 4]) -> Option<usize> {
    let exact = (0..2).all(|axis| {
        pool.stride[axis] == pool.kernel[axis]
            && pool.padding[axis] == 0
            && pool.dilation[axis] == 1
            && y_shape[2 + axis] * pool.kernel[axis] == x_shape[2 + axis]
    });
    exact.then(|| pool.divisor_override.unwrap_or(pool.kernel[0] * pool.kernel[1]))
}

/// Every element of a tile gets the same: the gradients divided, which are few, and a copy that repeats them.
pub(super) fn repeat_tiles(
    context: &Context,
    op: &str,
    pool: &Pool2d,
    [batch, channels, rows, columns]: [usize; 4],
    divisor: usize,
    grad_y: &Buffer,
    grad_x: &Buffer,
) -> Result<()> {
    let y_shape = [batch, channels, rows, columns];
    if fill_tiles(context, op, pool, y_shape, divisor, [grad_y, grad_x])? {
        return Ok(());
    }
    let count = batch * channels * rows * columns;
    let divided = context.alloc(count as u64 * 4)?;
    let value = 1.0 / divisor as f32;
    unary(context, UnaryOp::MulScalar { value }, DType::F32, grad_y, &divided, count)?;
    // Along a row first, then whole rows.
    let [height, width] = pool.kernel;
    let row = columns * width * channels;
    let wide = if width == 1 {
        divided
    } else {
        let to = if height == 1 { grad_x.clone() } else { context.alloc((batch * rows * row) as u64 * 4)? };
        let shape = [batch * rows * columns, width, channels];
        repeat(context, op, &divided, &to, shape)?;
        to
    };
    if height == 1 && width > 1 {
        return Ok(());
    }
    repeat(context, op, &wide, grad_x, [batch * rows, height, row])
}

/// `y[o, r, n] = x[o, n]`.
fn repeat(context: &Context, op: &str, x: &Buffer, y: &Buffer, shape: [usize; 3]) -> Result<()> {
    let [_, rows, inner] = shape;
    let from = [inner, 0, 1].map(|stride| stride as isize);
    let to = [rows * inner, inner, 1].map(|stride| stride as isize);
    strided_copy(context, op, x, 0, y, 0, &Strided::new(&shape, &from, &to))
}

/// The same average as one over rows and then one over columns: a divisor is a product of one factor for each axis, and
/// one that is given counts once.
fn axes(pool: &Pool2d) -> [Pool2d; 2] {
    let [height, width] = [0, 1].map(|axis| {
        let pick = |pair: [usize; 2], neutral: usize| {
            let mut one = [neutral; 2];
            one[axis] = pair[axis];
            one
        };
        Pool2d {
            kernel: pick(pool.kernel, 1),
            stride: pick(pool.stride, 1),
            padding: pick(pool.padding, 0),
            dilation: pick(pool.dilation, 1),
            ..*pool
        }
    });
    [height, Pool2d { divisor_override: pool.divisor_override.map(|_| 1), ..width }]
}

fn launch(
    context: &Context,
    stem: &'static str,
    op: &str,
    pool: &Pool2d,
    [x_shape, y_shape, threads]: [[usize; 4]; 3],
    steps: [usize; 2],
    buffers: &[&Buffer],
) -> Result<()> {
    values(op, x_shape)?;
    let window = Window::new(op, pool, x_shape, y_shape)?;
    let [height, width] = pair(op, [threads[2], threads[3]])?;
    let params = Params {
        input: window.input,
        output: window.output,
        kernel: window.kernel,
        stride: window.stride,
        padding: window.padding,
        dilation: window.dilation,
        by_channels: window.by_channels,
        by_height: magic(height),
        by_width: magic(width),
        by_stride_height: window.by_stride[0],
        by_stride_width: window.by_stride[1],
        channels: window.channels,
        count: values(op, threads)?,
        divisor: pool.divisor_override.unwrap_or(1) as f32,
        pad: 0,
    };
    let kernel =
        kernel(stem, x_shape[1]).with_u32("DIVISOR", divisor_kind(pool)).with_bool("DILATED", dilated(pool));
    let mut coarsening = coarsening(context, steps);
    let kernel = if stem == "avg_pool2d" {
        let columns = coarsening.kept_columns(window.channels);
        coarsening = coarsening.in_runs_of(columns);
        kernel.with_u32("COLUMNS", columns)
    } else {
        kernel
    };
    let (kernel, groups) = coarsening.specialise(kernel, params.count);
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })
}

/// What the kernels' `DIVISOR` is.
fn divisor_kind(pool: &Pool2d) -> u32 {
    match (pool.divisor_override, pool.count_include_pad) {
        (Some(_), _) => 0,
        (None, true) => 1,
        (None, false) => 2,
    }
}

fn backward_tiles(
    context: &Context,
    op: &str,
    pool: &Pool2d,
    [x_shape, y_shape]: [[usize; 4]; 2],
    buffers: &[&Buffer; 2],
) -> Result<()> {
    if let Some(walk) = WalkBack::new(context, op, pool, [x_shape, y_shape], 1)? {
        let divisor = pool.divisor_override.unwrap_or(1) as f32;
        return average_backward(&walk, context, op, x_shape[1], (divisor_kind(pool), divisor), buffers);
    }
    values(op, x_shape)?;
    let window = Window::new(op, pool, x_shape, y_shape)?;
    let (cover, tiles) = (cover(pool), stride_tiles(pool, x_shape));
    let [height, width] = pair(op, tiles)?;
    let params = TileParams {
        input: window.input,
        output: window.output,
        kernel: window.kernel,
        stride: window.stride,
        padding: window.padding,
        tiles: [height, width],
        by_channels: window.by_channels,
        by_height: magic(height),
        by_width: magic(width),
        channels: window.channels,
        count: values(op, [x_shape[0], x_shape[1], tiles[0], tiles[1]])?,
        divisor: pool.divisor_override.unwrap_or(1) as f32,
        pad: 0,
    };
    let kernel = kernel("avg_pool2d_backward_tiles", x_shape[1])
        .with_u32("DIVISOR", divisor_kind(pool))
        .with_u32("KERNEL_HEIGHT", window.kernel[0])
        .with_u32("KERNEL_WIDTH", window.kernel[1])
        .with_u32("STRIDE_HEIGHT", window.stride[0])
        .with_u32("STRIDE_WIDTH", window.stride[1])
        .with_u32("COVER_HEIGHT", cover[0] as u32)
        .with_u32("COVER_WIDTH", cover[1] as u32);
    let (kernel, groups) = coarsening(context, pool.stride).specialise(kernel, params.count);
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })
}
