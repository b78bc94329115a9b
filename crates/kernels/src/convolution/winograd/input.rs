//! `winograd_input`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};

use super::spec::Spec;
use crate::{
    base::{
        numbers::{to_u32, workgroups},
        params::{ParamsLayout, params},
    },
    convolution::{geometry::Geometry, problem::Pass},
};

params! { InputParams for "winograd_input" {
    geometry: Geometry,
    vectors: u32, tiles_h: u32, tiles_w: u32,
    first: u32, tiles: u32, count: u32, last: u32,
    pad: u32,
} }

pub(crate) const LAYOUT: ParamsLayout = InputParams::LAYOUT;

/// Tiles of pixels that `winograd_input` transforms.
pub(super) struct InputTiles {
    pub pass: Pass,
    /// Pixels along an edge of a tile of the result.
    pub tile: u32,
    /// From what is transformed.
    pub geometry: Geometry,
    /// Rows and columns of tiles of an image.
    pub grid: [usize; 2],
}

impl InputTiles {
    /// Transforms `tiles` of them from the tile `first` on.
    pub fn transform(
        &self,
        context: &Context,
        x: &Buffer,
        transformed: &Buffer,
        first: usize,
        tiles: usize,
    ) -> Result<()> {
        let op = self.pass.name();
        let number = |value| to_u32(op, value);
        let (geometry, [tiles_h, tiles_w]) = (self.geometry, self.grid);
        let spec = Spec::new(context, "winograd_input", self.tile);
        let vectors = geometry.x_shape[1] / spec.width() as u32;
        let params = InputParams {
            geometry,
            vectors,
            tiles_h: number(tiles_h)?,
            tiles_w: number(tiles_w)?,
            first: number(first)?,
            tiles: number(tiles)?,
            count: number(tiles * vectors as usize)?,
            last: number(geometry.x_shape[0] as usize * tiles_h * tiles_w - 1)?,
            pad: 0,
        };
        let dispatch = Dispatch {
            op,
            params: bytemuck::bytes_of(&params),
            buffers: &[x, transformed],
            groups: workgroups(params.count),
        };
        context.dispatch(&spec.into(), &dispatch)
    }
}
