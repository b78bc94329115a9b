//! `max_pool2d`, `max_pool2d_backward` and `max_pool2d_backward_tiles`.

use tilewright_ops::Pool2d;
use tilewright_runtime::{Buffer, Context, Dispatch, Error, Result};

use super::{
    walk::{
        backward::WalkBack,
        forward::Walk,
        max::{max, max_backward},
    },
    window::{
        TILE, Window, check_steps, coarsening, cover, dilated, kernel, pair, stride_tiles, tap_steps, tiled,
        value_width, values, window_steps,
    },
};
use crate::base::{
    magic::magic,
    params::{ParamsLayout, params},
};

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
    padding: [u32; 2],
    tiles: [u32; 2],
    by_channels: [u32; 2],
    by_height: [u32; 2],
    by_width: [u32; 2],
    channels: u32,
    count: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT, TileParams::LAYOUT];

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
                detail: format!("input {x_shape:?}: the indices of maxima are i32"),
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

fn index_type(channels: usize) -> &'static str {
    if value_width(channels) == 4 { "vec4<i32>" } else { "i32" }
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
    let with_indices = indices.is_some();
    let unused;
    let indices = match indices {
        Some(indices) => indices,
        None => {
            // The binding is there even when nothing is written to it.
            unused = context.alloc(16)?;
            &unused
        }
    };
    if let Some(walk) = Walk::new(context, op, pool, x_shape, y_shape)? {
        let index = index_type(x_shape[1]);
        return max(&walk, context, op, [x_shape, y_shape], index, &[x, y, indices], with_indices);
    }
    let kernel = kernel(op, x_shape[1])
        .with_type("INDEX", index_type(x_shape[1]))
        .with_bool("DILATED", dilated(pool))
        .with_bool("INDICES", with_indices);
    // Without padding, the windows of floor mode lie in the image; those of ceil mode may overhang.
    let inside = [0, 1].map(|axis| {
        let reach = (pool.kernel[axis] - 1).saturating_mul(pool.dilation[axis]);
        pool.padding[axis] == 0
            && ((y_shape[2 + axis].max(1) - 1) * pool.stride[axis]).saturating_add(reach) < x_shape[2 + axis]
    });
    let [height, width] = pool.kernel;
    // A clamped tap is in the window only if its taps touch.
    let constant = height.saturating_mul(width) <= TILE && (inside == [true; 2] || !dilated(pool));
    let kernel = if constant {
        kernel
            .with_bool("WHOLE", true)
            .with_bool("CLAMPED", inside != [true; 2])
            .with_u32("KERNEL_HEIGHT", height as u32)
            .with_u32("KERNEL_WIDTH", width as u32)
    } else {
        kernel
    };
    let (kernel, groups) = coarsening(context, steps).specialise(kernel, params.count);
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
    let (kernel, groups) = coarsening(context, steps).specialise(kernel, params.count);
    let dispatch = Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &buffers, groups };
    context.dispatch(&kernel, &dispatch)
}

fn backward_tiles(
    context: &Context,
    op: &str,
    pool: &Pool2d,
    x_shape: [usize; 4],
    y_shape: [usize; 4],
    buffers: &[&Buffer; 3],
) -> Result<()> {
    let [batch, channels, ..] = x_shape;
    let cover = cover(pool);
    let tiles = stride_tiles(pool, x_shape);
    // It numbers the elements of x too, and checks that they can be.
    let common = Params::new(op, pool, x_shape, y_shape, [batch, channels, tiles[0], tiles[1]])?;
    if let Some(walk) = WalkBack::new(context, op, pool, [x_shape, y_shape], 2)? {
        return max_backward(&walk, context, op, channels, index_type(channels), buffers);
    }
    let params = TileParams {
        input: common.input,
        output: common.output,
        padding: common.padding,
        tiles: pair(op, tiles)?,
        by_channels: common.by_channels,
        by_height: common.by_height,
        by_width: common.by_width,
        channels: common.channels,
        count: common.count,
    };
    let whole = (0..2).all(|axis| {
        pool.padding[axis] == 0
            && cover[axis] == 1
            && x_shape[2 + axis].is_multiple_of(pool.stride[axis])
            && tiles[axis] == y_shape[2 + axis]
    });
    let kernel = kernel("max_pool2d_backward_tiles", channels)
        .with_type("INDEX", index_type(channels))
        .with_u32("STRIDE_HEIGHT", pool.stride[0] as u32)
        .with_u32("STRIDE_WIDTH", pool.stride[1] as u32)
        .with_u32("COVER_HEIGHT", cover[0] as u32)
        .with_u32("COVER_WIDTH", cover[1] as u32)
        .with_bool("WHOLE", whole);
    let (kernel, groups) = coarsening(context, pool.stride).specialise(kernel, params.count);
    let dispatch = Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups };
    context.dispatch(&kernel, &dispatch)
}
