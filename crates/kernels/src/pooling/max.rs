//! `max_pool2d`, `max_pool2d_backward` and `max_pool2d_backward_tiles`.

use tilewright_ops::Pool2d;
use tilewright_runtime::{Buffer, Context, Dispatch, Error, Result};
use tilewright_shaders::Specialisation;

use super::{Window, check_steps, dilated, kernel, lanes, pair, tap_steps, values, window_steps};
use crate::{ParamsLayout, magic::magic, params::params, share::Share};

params! { Params for "max_pool2d", "max_pool2d_backward" {
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
} }

params! { TileParams for "max_pool2d_backward_tiles" {
    input: [u32; 2],
    output: [u32; 2],
    kernel: [u32; 2],
    tiles: [u32; 2],
    by_channels: [u32; 2],
    by_height: [u32; 2],
    by_width: [u32; 2],
    channels: u32,
    count: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT, TileParams::LAYOUT];

/// VALUEs of a thread at most, as each is a window; one where that is large, for the sake of `check_steps`.
fn share(context: &Context, [height, width]: [usize; 2]) -> Share {
    Share::of(context).at_most(if height.saturating_mul(width) <= 64 { 8 } else { 1 })
}

/// Elements of a window that one thread writes at most, and taps that are written out; larger windows leave too few
/// threads, and too much text.
const TILE: usize = 16;

impl Params {
    fn new(
        op: &str,
        pool: &Pool2d,
        x_shape: [usize; 4],
        y_shape: [usize; 4],
        threads: [usize; 4],
    ) -> Result<Self> {
        let pixels = x_shape[2] * x_shape[3];
        if i32::try_from(pixels).is_err() {
            return Err(Error::Limit {
                op: op.to_owned(),
                what: "the pixels of an image",
                needed: pixels as u64,
                limit: i32::MAX as u64,
                detail: format!("input {x_shape:?}: the places of maxima are i32"),
            });
        }
        values(op, x_shape)?;
        let window = Window::new(op, pool, x_shape, y_shape)?;
        let [height, width] = pair(op, [threads[2], threads[3]])?;
        Ok(Self {
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
        })
    }
}

/// The kernel with its taps as constants, where they are few and each window is `inside` the image on both axes.
fn whole(kernel: Specialisation, pool: &Pool2d, inside: [bool; 2]) -> Specialisation {
    let [height, width] = pool.kernel;
    if inside != [true; 2] || height.saturating_mul(width) > TILE {
        return kernel;
    }
    kernel
        .with_bool("WHOLE", true)
        .with_u32("KERNEL_HEIGHT", height as u32)
        .with_u32("KERNEL_WIDTH", width as u32)
}

fn index_type(channels: usize) -> &'static str {
    if lanes(channels) == 4 { "vec4<i32>" } else { "i32" }
}

/// The maxima `y` of the windows over `x`, and where in its plane each was found if `indices` is given.
pub fn max_pool2d(
    context: &Context,
    pool: &Pool2d,
    x_shape: [usize; 4],
    y_shape: [usize; 4],
    x: &Buffer,
    y: &Buffer,
    indices: Option<&Buffer>,
) -> Result<()> {
    let op = "max_pool2d";
    let steps = tap_steps(pool);
    check_steps(op, steps, x_shape)?;
    let params = Params::new(op, pool, x_shape, y_shape, y_shape)?;
    let kernel = kernel(op, x_shape[1])
        .with_type("INDEX", index_type(x_shape[1]))
        .with_bool("DILATED", dilated(pool))
        .with_bool("INDICES", indices.is_some());
    // Without padding, the windows of floor mode lie in the image; those of ceil mode may overhang.
    let inside = [0, 1].map(|axis| {
        let reach = (pool.kernel[axis] - 1).saturating_mul(pool.dilation[axis]);
        pool.padding[axis] == 0
            && ((y_shape[2 + axis].max(1) - 1) * pool.stride[axis]).saturating_add(reach) < x_shape[2 + axis]
    });
    let kernel = whole(kernel, pool, inside);
    let unused;
    let indices = match indices {
        Some(indices) => indices,
        None => {
            // The binding is there even when nothing is written to it.
            unused = context.alloc(16)?;
            &unused
        }
    };
    let (kernel, groups) = share(context, steps).spread(kernel, params.count);
    let dispatch = Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &[x, y, indices], groups };
    context.dispatch(&kernel, &dispatch)
}

/// The gradient of x: `grad_y` of the windows whose index names the element.
pub fn max_pool2d_backward(
    context: &Context,
    pool: &Pool2d,
    x_shape: [usize; 4],
    y_shape: [usize; 4],
    indices: &Buffer,
    grad_y: &Buffer,
    grad_x: &Buffer,
) -> Result<()> {
    let op = "max_pool2d_backward";
    let buffers = [indices, grad_y, grad_x];
    if tiled(pool) {
        return backward_tiles(context, op, pool, x_shape, y_shape, &buffers);
    }
    let steps = window_steps(pool, y_shape);
    check_steps(op, steps, x_shape)?;
    let params = Params::new(op, pool, x_shape, y_shape, x_shape)?;
    let kernel = kernel(op, x_shape[1]).with_type("INDEX", index_type(x_shape[1]));
    let (kernel, groups) = share(context, steps).spread(kernel, params.count);
    let dispatch = Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &buffers, groups };
    context.dispatch(&kernel, &dispatch)
}

/// Whether windows are small, touch and do not overlap.
fn tiled(pool: &Pool2d) -> bool {
    pool.stride == pool.kernel
        && pool.padding == [0, 0]
        && !dilated(pool)
        && pool.kernel[0].saturating_mul(pool.kernel[1]) <= TILE
}

fn backward_tiles(
    context: &Context,
    op: &str,
    pool: &Pool2d,
    x_shape: [usize; 4],
    y_shape: [usize; 4],
    buffers: &[&Buffer],
) -> Result<()> {
    let [batch, channels, height, width] = x_shape;
    let tiles = [height.div_ceil(pool.kernel[0]), width.div_ceil(pool.kernel[1])];
    // It numbers the elements of x too, and checks that they can be.
    let common = Params::new(op, pool, x_shape, y_shape, [batch, channels, tiles[0], tiles[1]])?;
    let params = TileParams {
        input: common.input,
        output: common.output,
        kernel: common.kernel,
        tiles: pair(op, tiles)?,
        by_channels: common.by_channels,
        by_height: common.by_height,
        by_width: common.by_width,
        channels: common.channels,
        count: common.count,
    };
    let kernel = kernel("max_pool2d_backward_tiles", channels).with_type("INDEX", index_type(channels));
    let kernel = whole(kernel, pool, [0, 1].map(|axis| x_shape[2 + axis].is_multiple_of(pool.kernel[axis])));
    let (kernel, groups) = share(context, pool.kernel).spread(kernel, params.count);
    let dispatch = Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups };
    context.dispatch(&kernel, &dispatch)
}
