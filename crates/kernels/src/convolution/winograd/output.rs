//! `winograd_output`, and with it 3 × 3 convolutions of stride 1 by minimal filtering.
//!
//! F(m × m, 3 × 3) makes m² pixels of y with (m + 2)² multiplications in place of 9 m²: transform overlapping tiles of x,
//! multiply by the transformed weight as (m + 2)² matrix products, transform back (Lavin and Gray, arXiv 1509.09308).

use tilewright_runtime::{Buffer, Context, Dispatch, Result};

use super::{
    input::InputTiles,
    spec::{Spec, budget},
    weight::Filters,
};
use crate::{
    base::{
        epilogue::Epilogue,
        numbers::{to_u32, workgroups},
        params::{ParamsLayout, params},
    },
    convolution::{call::Conv2dLaunch, geometry::Geometry, problem::Pass},
    matmul::{
        problem::{Operands, Problem as Product},
        run::matmul,
    },
};

params! { OutputParams for "winograd_output" {
    geometry: Geometry,
    vectors: u32, tiles_h: u32, tiles_w: u32,
    first: u32, tiles: u32, count: u32,
    p0: f32, p1: f32, divisor: f32,
    across: u32, begin: u32, pad: u32,
} }

pub(crate) const LAYOUT: ParamsLayout = OutputParams::LAYOUT;

/// A convolution with a transformed weight.
pub(super) struct Run<'a> {
    pub pass: Pass,
    /// Pixels along an edge of a tile.
    pub tile: u32,
    /// From what is transformed to what is stored.
    pub geometry: Geometry,
    /// What is added and applied to the sums of a forward pass.
    pub call: Option<&'a Conv2dLaunch<'a>>,
}

impl Run<'_> {
    /// Tiles that one round of launches takes, within the [`budget`].
    fn tiles_at_once(&self, context: &Context) -> usize {
        let alpha = self.tile as usize + 2;
        let tile_bytes = 4 * alpha * alpha * (self.geometry.x_shape[1] + self.geometry.y_shape[1]) as usize;
        // Whole rows of register tiles.
        (budget(context) / tile_bytes / 32).max(1) * 32
    }

    /// Transforms `x`, multiplies by the transformed weight, and transforms back into `y`, as many tiles at once as the budget allows.
    pub fn run(&self, context: &Context, filters: Filters<'_>, x: &Buffer, y: &Buffer) -> Result<()> {
        let op = self.pass.name();
        let number = |value| to_u32(op, value);
        let geometry = self.geometry;
        let [[_, inputs, ..], [batch, outputs, out_height, out_width]] =
            [geometry.x_shape, geometry.y_shape].map(|shape| shape.map(|extent| extent as usize));
        let tile = self.tile as usize;
        let [tiles_h, tiles_w] = [out_height.div_ceil(tile), out_width.div_ceil(tile)];
        let all = batch * tiles_h * tiles_w;
        let batches = (tile + 2) * (tile + 2);
        let at_once = self.tiles_at_once(context).min(all);
        let blocks = filters.blocks(context, (self.pass, self.tile), outputs, at_once == all)?;
        let widest = blocks.iter().map(|(block, _)| block.len()).max().unwrap_or(0);
        number(batches * at_once * inputs.max(widest))?;
        let [p0, p1] = self.call.map_or([0.0; 2], Conv2dLaunch::parameters);
        let transformed = context.alloc((batches * at_once * inputs * 4) as u64)?;
        let products = context.alloc((batches * at_once * widest * 4) as u64)?;
        let epilogue = self.call.map_or_else(Epilogue::default, |call| call.epilogue(y));
        let [bias, residual] = self.call.map_or([&products; 2], |call| call.addends(y, &products));
        let spec = Spec { epilogue, ..Spec::new(context, "winograd_output", self.tile) };
        let input_tiles = InputTiles { pass: self.pass, tile: self.tile, geometry, grid: [tiles_h, tiles_w] };
        let mut first = 0;
        while first < all {
            let tiles = at_once.min(all - first);
            input_tiles.transform(context, x, &transformed, first, tiles)?;
            for (block, filters) in &blocks {
                let packed = filters.packed(context, block.len())?;
                let product = Product {
                    batches,
                    m: tiles,
                    n: block.len(),
                    k: inputs,
                    left_stride: tiles * inputs,
                    right_stride: inputs * block.len(),
                    ..Product::default()
                };
                let operands =
                    Operands { left: &transformed, right: &packed, bias: None, residual: None, y: &products };
                matmul(context, &product, &operands, None)?;

                let vectors = block.len() / spec.width();
                let params = OutputParams {
                    geometry,
                    vectors: number(vectors)?,
                    tiles_h: number(tiles_h)?,
                    tiles_w: number(tiles_w)?,
                    first: number(first)?,
                    tiles: number(tiles)?,
                    count: number(tiles * vectors)?,
                    p0,
                    p1,
                    divisor: self.call.map_or(1.0, Conv2dLaunch::divisor),
                    across: number(outputs / spec.width())?,
                    begin: number(block.start / spec.width())?,
                    pad: 0,
                };
                let dispatch = Dispatch {
                    op,
                    params: bytemuck::bytes_of(&params),
                    buffers: &[&products, bias, residual, y],
                    groups: workgroups(params.count),
                };
                context.dispatch(&spec.into(), &dispatch)?;
            }
            first += tiles;
        }
        Ok(())
    }
}
