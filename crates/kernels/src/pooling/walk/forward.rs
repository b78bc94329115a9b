//! A pooling of small windows on a CPU, whose threads walk along rows of the result: one row each, or a strip of two.

use tilewright_ops::Pool2d;
use tilewright_runtime::{Context, Result};
use tilewright_shaders::Specialisation;

use super::common::{MOST_LOADS, MOST_TURNS, WALKERS, columns_of};
use crate::{
    base::{coarsening::Coarsening, numbers::to_u32},
    pooling::window::{TILE, Window, dilated, kernel},
};

/// Rows of y that a thread of a strip walks along at once. Of three the text outgrows the cache of decoded
/// instructions: 3×3 with stride 2 took 1.15 times as long.
const STRIP_ROWS: usize = 2;

/// A pooling that walks: what its kernel needs besides the shapes.
pub(crate) struct Walk {
    pub window: Window,
    coarsening: Coarsening,
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
        let coarsening = Coarsening::of(context);
        let [height, width] = pool.kernel;
        let empty = x_shape.contains(&0) || y_shape.contains(&0);
        if empty
            || !coarsening.blocked()
            || dilated(pool)
            || height.saturating_mul(width) > TILE
            || y_shape[3] > MOST_TURNS
        {
            return Ok(None);
        }
        let window = Window::new(op, pool, x_shape, y_shape)?;
        let columns = columns_of(coarsening, window.channels, height * width.min(pool.stride[1]));
        let inside = [0, 1].map(|axis| {
            pool.padding[axis] == 0
                && (y_shape[2 + axis] - 1).saturating_mul(pool.stride[axis]).saturating_add(pool.kernel[axis])
                    <= x_shape[2 + axis]
        });
        Ok(Some(Self { window, coarsening, columns, clamped: inside != [true; 2] }))
    }

    pub fn threads(&self, op: &str, [batch, _, rows, _]: [usize; 4]) -> Result<u32> {
        to_u32(op, batch * rows * (self.window.channels / self.columns) as usize)
    }

    pub fn constants(&self, kernel: Specialisation) -> Specialisation {
        let [kernel_width, stride_width] = [self.window.kernel[1], self.window.stride[1]];
        kernel
            .with_u32("WORKGROUP", WALKERS)
            .with_u32("LANES", self.coarsening.lanes)
            .with_u32("COLUMNS", self.columns)
            .with_u32("KERNEL_HEIGHT", self.window.kernel[0])
            .with_u32("KERNEL_WIDTH", kernel_width)
            .with_u32("STRIDE_HEIGHT", self.window.stride[0])
            .with_u32("STRIDE_WIDTH", stride_width)
            .with_u32("OVERLAP", kernel_width.saturating_sub(stride_width))
            .with_u32("GROUP", if kernel_width > stride_width { 1 } else { self.columns })
            .with_bool("CLAMPED", self.clamped)
    }

    /// The strip `stem` and its threads, where windows overlap along a row and a strip has room for its loads.
    pub fn strip(
        &self,
        stem: &'static str,
        [batch, channels, rows, width]: [usize; 4],
    ) -> Option<(Specialisation, usize)> {
        let Window { kernel: extent, stride, channels: values, .. } = self.window;
        let x_rows = (STRIP_ROWS as u32 - 1) * stride[0] + extent[0];
        let columns = self.coarsening.columns(values);
        let fits = rows >= STRIP_ROWS
            && extent[1] > stride[1]
            && x_rows * stride[1] <= MOST_LOADS as u32
            && width.saturating_mul(columns as usize) <= MOST_TURNS;
        fits.then(|| {
            let kernel = kernel(stem, channels)
                .with_u32("WORKGROUP", WALKERS)
                .with_u32("LANES", self.coarsening.lanes)
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
}
