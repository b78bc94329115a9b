//! The gradient of a pooling of small windows on a CPU, whose threads walk along rows of tiles of one stride.

use tilewright_ops::Pool2d;
use tilewright_runtime::{Context, Result};
use tilewright_shaders::Specialisation;

use super::common::{MOST_TURNS, WALKERS, columns_of};
use crate::{
    base::{coarsening::Coarsening, numbers::to_u32},
    pooling::window::{Window, cover, stride_tiles, values},
};

/// The gradient of a pooling that walks over tiles of one stride.
pub(crate) struct WalkBack {
    pub window: Window,
    coarsening: Coarsening,
    columns: u32,
    cover: [usize; 2],
    pub tiles: [u32; 2],
    whole: bool,
    pub count: u32,
}

impl WalkBack {
    /// The walk over a tiled pooling, where the device is a CPU; `streams` are read for each window.
    pub fn new(
        context: &Context,
        op: &str,
        pool: &Pool2d,
        [x_shape, y_shape]: [[usize; 4]; 2],
        streams: usize,
    ) -> Result<Option<Self>> {
        let coarsening = Coarsening::of(context);
        let tiles = stride_tiles(pool, x_shape);
        let empty = x_shape.contains(&0) || y_shape.contains(&0);
        if empty || !coarsening.blocked() || tiles[1] > MOST_TURNS {
            return Ok(None);
        }
        values(op, x_shape)?;
        let window = Window::new(op, pool, x_shape, y_shape)?;
        let cover = cover(pool);
        let columns =
            columns_of(coarsening, window.channels, streams * cover[0] + pool.stride[0] * pool.stride[1]);
        let whole = (0..2).all(|axis| {
            pool.padding[axis] == 0
                && cover[axis] == 1
                && x_shape[2 + axis].is_multiple_of(pool.stride[axis])
                && tiles[axis] == y_shape[2 + axis]
        });
        let count = to_u32(op, x_shape[0] * tiles[0] * (window.channels / columns) as usize)?;
        let tiles = [to_u32(op, tiles[0])?, to_u32(op, tiles[1])?];
        Ok(Some(Self { window, coarsening, columns, cover, tiles, whole, count }))
    }

    pub fn constants(&self, kernel: Specialisation) -> Specialisation {
        kernel
            .with_u32("WORKGROUP", WALKERS)
            .with_u32("LANES", self.coarsening.lanes)
            .with_u32("COLUMNS", self.columns)
            .with_u32("KERNEL_HEIGHT", self.window.kernel[0])
            .with_u32("KERNEL_WIDTH", self.window.kernel[1])
            .with_u32("STRIDE_HEIGHT", self.window.stride[0])
            .with_u32("STRIDE_WIDTH", self.window.stride[1])
            .with_u32("COVER_HEIGHT", self.cover[0] as u32)
            .with_u32("COVER_WIDTH", self.cover[1] as u32)
            .with_bool("WHOLE", self.whole)
    }
}
