//! `max_pool2d_walk`, `max_pool2d_strip`, `avg_pool2d_walk`, `avg_pool2d_strip` and their gradients: small windows on a CPU; and `avg_pool2d_backward_spread`, the
//! gradient of windows of any size that are tiles.

use tilewright_ops::Pool2d;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{TILE, Window, cover, dilated, kernel, stride_tiles, values};
use crate::{
    ParamsLayout,
    params::params,
    select::Device,
    share::{Share, wide_words},
    to_u32,
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

params! { AverageParams for "avg_pool2d_walk", "avg_pool2d_strip" {
    input: [u32; 2],
    output: [u32; 2],
    padding: [u32; 2],
    channels: u32,
    count: u32,
    divisor: f32,
    never: u32,
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

params! { SpreadParams for "avg_pool2d_backward_spread" {
    tiles: u32,
    height: u32,
    width: u32,
    channels: u32,
    count: u32,
    scale: f32,
    never: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[
    MaxParams::LAYOUT,
    MaxStripParams::LAYOUT,
    AverageParams::LAYOUT,
    MaxBackwardParams::LAYOUT,
    AverageBackwardParams::LAYOUT,
    SpreadParams::LAYOUT,
];

/// Turns of a thread's loops at most: those of some drivers end at 65,535.
const MOST_TURNS: usize = 60_000;

/// Loads (and, in a gradient, stores) in the text of a thread's turn at most: more than these do not fit the cache of decoded
/// instructions.
const MOST_LOADS: usize = 16;

/// Threads of a workgroup: a walk is long, and few workgroups would not share out evenly over a CPU's cores.
const WALKERS: u32 = 16;

/// Whether words of 64 bits are quicker, and their cache lines touched first: a subgroup's VALUEs must be neighbours in one
/// pixel, and so many channels are a multiple of four.
fn wide(context: &Context, channels: usize) -> bool {
    let device = Device::of(context);
    device.wide_words() && channels.is_multiple_of(4 * device.lanes as usize)
}

/// `kernel` with such words, if `wide`.
fn widened(context: &Context, kernel: Specialisation, wide: bool) -> Specialisation {
    if wide { wide_words(context, kernel).with_bool("AHEAD", true) } else { kernel }
}

/// The same for kernels that read or write places.
fn widened_places(context: &Context, kernel: Specialisation, wide: bool) -> Specialisation {
    let kernel = widened(context, kernel, wide);
    if wide { kernel.with_fragment("places", "u64") } else { kernel }
}

/// The workgroups of so many threads.
fn groups(threads: u32) -> u64 {
    u64::from(threads.div_ceil(WALKERS))
}

/// A pooling that walks: what its kernel needs besides the shapes.
pub(super) struct Walk {
    window: Window,
    share: Share,
    columns: u32,
    clamped: bool,
}

impl Walk {
    /// The walk over `y_shape`, where the device is a CPU, windows are small and their taps touch.
    pub fn new(
        context: &Context,
        op: &str,
        pool: &Pool2d,
        x_shape: [usize; 4],
        y_shape: [usize; 4],
    ) -> Result<Option<Self>> {
        let share = Share::of(context);
        let [height, width] = pool.kernel;
        let empty = x_shape.contains(&0) || y_shape.contains(&0);
        if empty
            || !share.blocked()
            || dilated(pool)
            || height.saturating_mul(width) > TILE
            || y_shape[3] > MOST_TURNS
        {
            return Ok(None);
        }
        let window = Window::new(op, pool, x_shape, y_shape)?;
        let columns = columns_of(share, window.channels, height * width.min(pool.stride[1]));
        let inside = [0, 1].map(|axis| {
            pool.padding[axis] == 0
                && (y_shape[2 + axis] - 1).saturating_mul(pool.stride[axis]).saturating_add(pool.kernel[axis])
                    <= x_shape[2 + axis]
        });
        Ok(Some(Self { window, share, columns, clamped: inside != [true; 2] }))
    }

    fn threads(&self, op: &str, [batch, _, rows, _]: [usize; 4]) -> Result<u32> {
        to_u32(op, batch * rows * (self.window.channels / self.columns) as usize)
    }

    fn constants(&self, kernel: Specialisation) -> Specialisation {
        let [kernel_width, stride_width] = [self.window.kernel[1], self.window.stride[1]];
        kernel
            .with_u32("WORKGROUP", WALKERS)
            .with_u32("LANES", self.share.lanes)
            .with_u32("COLUMNS", self.columns)
            .with_u32("KERNEL_HEIGHT", self.window.kernel[0])
            .with_u32("KERNEL_WIDTH", kernel_width)
            .with_u32("STRIDE_HEIGHT", self.window.stride[0])
            .with_u32("STRIDE_WIDTH", stride_width)
            .with_u32("OVERLAP", kernel_width.saturating_sub(stride_width))
            .with_u32("GROUP", if kernel_width > stride_width { 1 } else { self.columns })
            .with_bool("CLAMPED", self.clamped)
    }

    /// The maxima, and their places unless `indices` has none.
    pub fn max(
        &self,
        context: &Context,
        op: &str,
        shapes: [[usize; 4]; 2],
        index: &'static str,
        buffers: &[&Buffer; 3],
        indices: bool,
    ) -> Result<()> {
        let Window { input, output, padding, channels, .. } = self.window;
        // With f32 loads the strip is no quicker than one row.
        let strip = wide(context, shapes[0][1]).then(|| self.strip("max_pool2d_strip", shapes[1])).flatten();
        if let Some((kernel, units)) = strip {
            values(op, shapes[0])?;
            let count = to_u32(op, units)?;
            let params = MaxStripParams { input, output, padding, channels, count, never: 0, pad: 0 };
            let kernel =
                widened_places(context, kernel, true).with_type("INDEX", index).with_bool("INDICES", indices);
            let [x, y, places] = *buffers;
            let params = bytemuck::bytes_of(&params);
            let buffers = &[x, y, places, x];
            return context.dispatch(&kernel, &Dispatch { op, params, buffers, groups: groups(count) });
        }
        let count = self.threads(op, shapes[1])?;
        let params = MaxParams { input, output, padding, channels, count };
        let kernel = self
            .constants(kernel("max_pool2d_walk", shapes[0][1]))
            .with_type("INDEX", index)
            .with_bool("INDICES", indices);
        let params = bytemuck::bytes_of(&params);
        context.dispatch(&kernel, &Dispatch { op, params, buffers, groups: groups(count) })
    }

    /// The strip `stem` and its threads, where windows overlap along a row and a strip has room for its loads.
    fn strip(
        &self,
        stem: &'static str,
        [batch, channels, rows, width]: [usize; 4],
    ) -> Option<(Specialisation, usize)> {
        let Window { kernel: extent, stride, channels: values, .. } = self.window;
        let x_rows = (STRIP_ROWS as u32 - 1) * stride[0] + extent[0];
        let columns = self.share.columns(values);
        let fits = rows >= STRIP_ROWS
            && extent[1] > stride[1]
            && x_rows * stride[1] <= MOST_LOADS as u32
            && width.saturating_mul(columns as usize) <= MOST_TURNS;
        fits.then(|| {
            let kernel = kernel(stem, channels)
                .with_u32("WORKGROUP", WALKERS)
                .with_u32("LANES", self.share.lanes)
                .with_u32("COLUMNS", columns)
                .with_u32("ROWS", STRIP_ROWS as u32)
                .with_bool("WHOLE", rows.is_multiple_of(STRIP_ROWS))
                .with_u32("KERNEL_HEIGHT", extent[0])
                .with_u32("KERNEL_WIDTH", extent[1])
                .with_u32("STRIDE_HEIGHT", stride[0])
                .with_u32("STRIDE_WIDTH", stride[1])
                .with_bool("CLAMPED", self.clamped);
            (kernel, batch * rows.div_ceil(STRIP_ROWS) * (values / columns) as usize)
        })
    }

    /// The averages; `kind` is the kernel's `DIVISOR`.
    pub fn average(
        &self,
        context: &Context,
        op: &str,
        shapes: [[usize; 4]; 2],
        kind: u32,
        divisor: f32,
        buffers: &[&Buffer; 2],
    ) -> Result<()> {
        values(op, shapes[0])?;
        let strip = self.strip("avg_pool2d_strip", shapes[1]);
        let [x, y] = *buffers;
        // Words of 64 bits do not pay in a walk along one row, which loads much more than it stores: 2×2 took 1.19 times as long.
        let (kernel, count, buffers) = match strip {
            Some((kernel, units)) => {
                (widened(context, kernel, wide(context, shapes[0][1])), to_u32(op, units)?, &[x, y, x][..])
            }
            None => {
                let kernel = self.constants(kernel("avg_pool2d_walk", shapes[0][1]));
                (kernel, self.threads(op, shapes[1])?, &buffers[..])
            }
        };
        let Window { input, output, padding, channels, .. } = self.window;
        let params = AverageParams { input, output, padding, channels, count, divisor, never: 0 };
        let kernel = kernel.with_u32("DIVISOR", kind);
        let params = bytemuck::bytes_of(&params);
        context.dispatch(&kernel, &Dispatch { op, params, buffers, groups: groups(count) })
    }
}

/// Rows of y that a thread of a strip walks along at once. Of three the text outgrows the cache of decoded
/// instructions: 3×3 with stride 2 took 1.15 times as long.
const STRIP_ROWS: usize = 2;

/// VALUEs of a pixel that a thread takes, where one has so many loads and stores in a turn.
fn columns_of(share: Share, channels: u32, accesses: usize) -> u32 {
    let most = (MOST_LOADS / accesses).max(1) as u32;
    let fits = |columns: &u32| *columns <= most && channels.is_multiple_of(columns * share.lanes);
    (1..=share.columns(channels)).rev().find(fits).unwrap_or(1)
}

/// The gradient of a pooling that walks over tiles of one stride.
pub(super) struct WalkBack {
    window: Window,
    share: Share,
    columns: u32,
    cover: [usize; 2],
    tiles: [u32; 2],
    whole: bool,
    count: u32,
}

impl WalkBack {
    /// The walk over a [`super::tiled`] pooling, where the device is a CPU; `streams` are read for each window.
    pub fn new(
        context: &Context,
        op: &str,
        pool: &Pool2d,
        [x_shape, y_shape]: [[usize; 4]; 2],
        streams: usize,
    ) -> Result<Option<Self>> {
        let share = Share::of(context);
        let tiles = stride_tiles(pool, x_shape);
        let empty = x_shape.contains(&0) || y_shape.contains(&0);
        if empty || !share.blocked() || tiles[1] > MOST_TURNS {
            return Ok(None);
        }
        values(op, x_shape)?;
        let window = Window::new(op, pool, x_shape, y_shape)?;
        let cover = cover(pool);
        let columns =
            columns_of(share, window.channels, streams * cover[0] + pool.stride[0] * pool.stride[1]);
        let whole = (0..2).all(|axis| {
            pool.padding[axis] == 0
                && cover[axis] == 1
                && x_shape[2 + axis].is_multiple_of(pool.stride[axis])
                && tiles[axis] == y_shape[2 + axis]
        });
        let count = to_u32(op, x_shape[0] * tiles[0] * (window.channels / columns) as usize)?;
        let tiles = [to_u32(op, tiles[0])?, to_u32(op, tiles[1])?];
        Ok(Some(Self { window, share, columns, cover, tiles, whole, count }))
    }

    fn constants(&self, kernel: Specialisation) -> Specialisation {
        kernel
            .with_u32("WORKGROUP", WALKERS)
            .with_u32("LANES", self.share.lanes)
            .with_u32("COLUMNS", self.columns)
            .with_u32("KERNEL_HEIGHT", self.window.kernel[0])
            .with_u32("KERNEL_WIDTH", self.window.kernel[1])
            .with_u32("STRIDE_HEIGHT", self.window.stride[0])
            .with_u32("STRIDE_WIDTH", self.window.stride[1])
            .with_u32("COVER_HEIGHT", self.cover[0] as u32)
            .with_u32("COVER_WIDTH", self.cover[1] as u32)
            .with_bool("WHOLE", self.whole)
    }

    /// Of the maximum; `buffers` are the kernel's.
    pub fn max(
        &self,
        context: &Context,
        op: &str,
        channels: usize,
        index: &'static str,
        buffers: &[&Buffer; 3],
    ) -> Result<()> {
        let Window { input, output, padding, .. } = self.window;
        let (tiles, count) = (self.tiles, self.count);
        let params = MaxBackwardParams {
            input,
            output,
            padding,
            tiles,
            channels: self.window.channels,
            count,
            never: 0,
            pad: 0,
        };
        let kernel = self.constants(kernel("max_pool2d_backward_walk", channels)).with_type("INDEX", index);
        let kernel = widened_places(context, kernel, wide(context, channels));
        let params = bytemuck::bytes_of(&params);
        let [indices, grad_y, grad_x] = *buffers;
        let buffers = &[indices, grad_y, grad_x, indices, grad_y];
        context.dispatch(&kernel, &Dispatch { op, params, buffers, groups: groups(count) })
    }

    /// Of the average; `kind` is the kernel's `DIVISOR`.
    pub fn average(
        &self,
        context: &Context,
        op: &str,
        channels: usize,
        (kind, divisor): (u32, f32),
        buffers: &[&Buffer; 2],
    ) -> Result<()> {
        let Window { input, output, padding, .. } = self.window;
        let (tiles, count) = (self.tiles, self.count);
        let params = AverageBackwardParams {
            input,
            output,
            padding,
            tiles,
            channels: self.window.channels,
            count,
            divisor,
            never: 0,
        };
        let kernel = self.constants(kernel("avg_pool2d_backward_walk", channels)).with_u32("DIVISOR", kind);
        let kernel = widened(context, kernel, wide(context, channels));
        let [grad_y, grad_x] = *buffers;
        let buffers = &[grad_y, grad_x, grad_y];
        let params = bytemuck::bytes_of(&params);
        context.dispatch(&kernel, &Dispatch { op, params, buffers, groups: groups(count) })
    }
}

/// Fills each tile of `grad_x` with the gradient of its window, divided: `buffers` are `[grad_y, grad_x]`, `y_shape` has a
/// pixel for each tile, which is as large as `pool`'s window. Whether it did: only on a CPU, where no row has too many pixels
/// for one thread.
pub(super) fn spread(
    context: &Context,
    op: &str,
    pool: &Pool2d,
    y_shape: [usize; 4],
    divisor: usize,
    buffers: [&Buffer; 2],
) -> Result<bool> {
    let share = Share::of(context);
    let [batch, channels, rows, tiles] = y_shape;
    let [height, width] = pool.kernel;
    if y_shape.contains(&0) || !share.blocked() || tiles.saturating_mul(width.saturating_add(1)) > MOST_TURNS
    {
        return Ok(false);
    }
    values(op, [batch, channels, rows.saturating_mul(height), tiles * width])?;
    let values = values(op, [1, channels, 1, 1])?;
    let columns = share.walk_columns(values);
    let params = SpreadParams {
        tiles: to_u32(op, tiles)?,
        height: to_u32(op, height)?,
        width: to_u32(op, width)?,
        channels: values,
        count: to_u32(op, batch * rows * height * (values / columns) as usize)?,
        scale: 1.0 / divisor as f32,
        never: 0,
    };
    let kernel = kernel("avg_pool2d_backward_spread", channels)
        .with_u32("WORKGROUP", WALKERS)
        .with_u32("LANES", share.lanes)
        .with_u32("COLUMNS", columns);
    let kernel = widened(context, kernel, wide(context, channels));
    let groups = groups(params.count);
    let [grad_y, grad_x] = buffers;
    let buffers = [grad_y, grad_x, grad_y];
    context.dispatch(
        &kernel,
        &Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &buffers, groups },
    )?;
    Ok(true)
}
