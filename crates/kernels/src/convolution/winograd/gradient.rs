//! `winograd_output_gradient`, `winograd_filter_gradient`, `winograd_weight_gradient`: the gradient by the weight of 3 × 3
//! convolutions of stride 1 by minimal filtering.
//!
//! It is the forward pass's algorithm transposed: with the tiles of x transformed as there and those of the result's gradient
//! on the way back through the output transform, a product of both over all tiles for each of (m + 2)² components is the
//! gradient of the transformed weight, and the way back through the weight transform ends it (Lavin and Gray,
//! arXiv 1509.09308, whose F(3 × 3, m × m) it is).

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{
    input::InputTiles,
    spec::{Spec, budget},
};
use crate::{
    base::{
        device::{Device, DeviceClass},
        numbers::{to_u32, workgroups},
        params::{ParamsLayout, params},
    },
    convolution::{
        geometry::Geometry,
        problem::{Pass, Problem},
    },
    matmul::{
        problem::{Operands, Problem as Product},
        run::matmul,
    },
};

params! { OutputGradientParams for "winograd_output_gradient" {
    geometry: Geometry,
    vectors: u32, tiles_h: u32, tiles_w: u32,
    first: u32, tiles: u32, count: u32,
    pad0: u32, pad1: u32,
} }

params! { FilterGradientParams for "winograd_filter_gradient" {
    inputs: u32, outputs: u32, tiles: u32, row_tiles: u32, workgroups: u32, accumulate: u32,
} }

params! { WeightGradientParams for "winograd_weight_gradient" { count: u32 } }

pub(crate) const LAYOUTS: [ParamsLayout; 3] =
    [OutputGradientParams::LAYOUT, FilterGradientParams::LAYOUT, WeightGradientParams::LAYOUT];

/// Outputs in a workgroup of `winograd_filter_gradient`.
const ROWS: usize = 8;

/// Tiles of one product at most: the error of a running sum grows like its length, that of sums of such sums like its root.
/// With 4096, a gradient over 67,600 pixels was off by 2.6 times what other algorithms are held to.
const MOST_TILES: usize = 256;

/// Whether products and the way back through the weight transform are one kernel, which needs no memory for products.
pub(crate) fn in_one_kernel(device: &Device, tile: u32) -> bool {
    tile == 4 && device.class == DeviceClass::SoftwareVulkan && device.long_kernels
}

/// Bytes of the tiles of one round of F(3 × 3, 4 × 4) at most.
pub(super) fn most_bytes(problem: &Problem) -> u64 {
    let [outputs, inputs, ..] = problem.w_shape;
    (36 * MOST_TILES * outputs.max(inputs) * 4) as u64
}

/// Tiles that one round of launches takes, a multiple of four: a product's tail would take one at a time.
fn tiles_at_once(context: &Context, problem: &Problem, all: usize, components: usize) -> usize {
    let [outputs, inputs, ..] = problem.w_shape;
    // Rounds that are smaller than the sums which each adds to would spend their time there.
    let budget = budget(context).max(4 * components * inputs * outputs);
    let at_once = (budget / (4 * components * (inputs + outputs)) / 32).clamp(1, MOST_TILES / 32) * 32;
    at_once.min(all.next_multiple_of(4))
}

pub(super) fn backward_weight(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    x: &Buffer,
    grad_weight: &Buffer,
    tile: u32,
) -> Result<()> {
    let op = Pass::BackwardWeight.name();
    let number = |value| to_u32(op, value);
    let ([batch, inputs, ..], [_, outputs, out_height, out_width]) = (problem.x_shape, problem.y_shape);
    let geometry = Geometry::new(op, problem)?;
    let edge = tile as usize;
    let [tiles_h, tiles_w] = [out_height.div_ceil(edge), out_width.div_ceil(edge)];
    let all = batch * tiles_h * tiles_w;
    let components = (edge + 2) * (edge + 2);
    let at_once = tiles_at_once(context, problem, all, components);
    for count in [components * at_once * inputs.max(outputs), components * inputs * outputs] {
        number(count)?;
    }
    let transformed = context.alloc((components * at_once * inputs * 4) as u64)?;
    let gradients = context.alloc((components * at_once * outputs * 4) as u64)?;
    let fused = in_one_kernel(&Device::of(context), tile);
    let sums = if fused { None } else { Some(context.alloc((components * inputs * outputs * 4) as u64)?) };
    let spec = Spec::new(context, "winograd_output_gradient", tile);
    let vectors = outputs / spec.width();
    let input_tiles = InputTiles { pass: Pass::BackwardWeight, tile, geometry, grid: [tiles_h, tiles_w] };
    for first in (0..all).step_by(at_once) {
        let tiles = at_once.min((all - first).next_multiple_of(4));
        input_tiles.transform(context, x, &transformed, first, tiles)?;
        let params = OutputGradientParams {
            geometry,
            vectors: number(vectors)?,
            tiles_h: number(tiles_h)?,
            tiles_w: number(tiles_w)?,
            first: number(first)?,
            tiles: number(tiles)?,
            count: number(tiles * vectors)?,
            pad0: 0,
            pad1: 0,
        };
        let dispatch = Dispatch {
            op,
            params: bytemuck::bytes_of(&params),
            buffers: &[grad_y, &gradients],
            groups: workgroups(params.count),
        };
        context.dispatch(&spec.into(), &dispatch)?;

        let Some(sums) = &sums else {
            let round = Round { channels: [outputs, inputs], tiles, accumulate: first > 0 };
            round.filter_gradient(context, &gradients, &transformed, grad_weight)?;
            continue;
        };
        let product = Product {
            batches: components,
            m: outputs,
            n: inputs,
            k: tiles,
            transpose_left: true,
            left_stride: tiles * outputs,
            right_stride: tiles * inputs,
            ..Product::default()
        };
        let operands = Operands {
            left: &gradients,
            right: &transformed,
            bias: None,
            // Later rounds add to what the first has left, in their order.
            residual: (first > 0).then_some(sums),
            y: sums,
        };
        matmul(context, &product, &operands, None)?;
    }
    let Some(sums) = &sums else { return Ok(()) };
    let spec = Spec::new(context, "winograd_weight_gradient", tile);
    let params = WeightGradientParams { count: number(inputs * outputs / spec.width())? };
    let dispatch = Dispatch {
        op,
        params: bytemuck::bytes_of(&params),
        buffers: &[sums, grad_weight],
        groups: workgroups(params.count),
    };
    context.dispatch(&spec.into(), &dispatch)
}

/// Tiles whose transforms lie in memory.
struct Round {
    /// O and I.
    channels: [usize; 2],
    tiles: usize,
    /// Add to what an earlier round has left.
    accumulate: bool,
}

impl Round {
    /// The products of all components and the way back through the weight transform.
    fn filter_gradient(
        &self,
        context: &Context,
        gradients: &Buffer,
        transformed: &Buffer,
        grad_weight: &Buffer,
    ) -> Result<()> {
        let op = Pass::BackwardWeight.name();
        let number = |value| to_u32(op, value);
        let lanes = Device::of(context).lanes;
        let [outputs, inputs] = self.channels;
        let row_tiles = outputs.div_ceil(ROWS);
        let workgroups = row_tiles * inputs.div_ceil(4 * lanes as usize);
        let params = FilterGradientParams {
            inputs: number(inputs)?,
            outputs: number(outputs)?,
            tiles: number(self.tiles)?,
            row_tiles: number(row_tiles)?,
            workgroups: number(workgroups)?,
            accumulate: self.accumulate.into(),
        };
        let kernel = Specialisation::new("winograd_filter_gradient").with_u32("LANES", lanes);
        let dispatch = Dispatch {
            op,
            params: bytemuck::bytes_of(&params),
            buffers: &[gradients, transformed, grad_weight],
            groups: workgroups as u64,
        };
        context.dispatch(&kernel, &dispatch)
    }
}
