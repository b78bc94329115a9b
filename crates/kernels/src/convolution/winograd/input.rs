//! `winograd_input`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};

use super::spec::Spec;
use crate::{
    base::{
        numbers::{to_u32, workgroups},
        params::{ParamsLayout, params},
    },
    convolution::problem::Pass,
};

params! { InputParams for "winograd_input" {
    height: u32, width: u32, vectors: u32, tiles_h: u32, tiles_w: u32,
    pad_h: u32, pad_w: u32, first: u32, tiles: u32, count: u32, last: u32,
} }

pub(crate) const LAYOUT: ParamsLayout = InputParams::LAYOUT;

/// Tiles of pixels that `winograd_input` transforms.
pub(super) struct InputTiles {
    pub pass: Pass,
    /// Pixels along an edge of a tile of the result.
    pub tile: u32,
    /// N C H W of what is transformed.
    pub shape: [usize; 4],
    /// Rows and columns of tiles of an image.
    pub grid: [usize; 2],
    pub padding: [usize; 2],
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
        let ([batch, channels, height, width], [tiles_h, tiles_w]) = (self.shape, self.grid);
        let spec = Spec::new(context, "winograd_input", self.tile);
        let vectors = channels / spec.width();
        let params = InputParams {
            height: number(height)?,
            width: number(width)?,
            vectors: number(vectors)?,
            tiles_h: number(tiles_h)?,
            tiles_w: number(tiles_w)?,
            pad_h: number(self.padding[0])?,
            pad_w: number(self.padding[1])?,
            first: number(first)?,
            tiles: number(tiles)?,
            count: number(tiles * vectors)?,
            last: number(batch * tiles_h * tiles_w - 1)?,
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
