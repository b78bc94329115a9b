//! `winograd_input`, `winograd_weight`, `winograd_output`: 3 × 3 convolutions of stride 1 by minimal filtering.
//!
//! F(m × m, 3 × 3) makes m² pixels of y with (m + 2)² multiplications in place of 9 m²: transform overlapping tiles of x,
//! multiply by the transformed weight as (m + 2)² matrix products, transform back (Lavin and Gray, arXiv 1509.09308).

use tilewright_ops::{Pooling, UnaryOp};
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{Operands, Pass, Problem, divisor};
use crate::{
    ParamsLayout, WORKGROUP,
    epilogue::{Epilogue, Windows, parameters},
    groups,
    matmul::{self, matmul},
    params::params,
    select::{Device, DeviceClass},
    to_u32,
};

params! { InputParams for "winograd_input" {
    height: u32, width: u32, vectors: u32, tiles_h: u32, tiles_w: u32,
    pad_h: u32, pad_w: u32, first: u32, tiles: u32, count: u32, last: u32,
} }

params! { WeightParams for "winograd_weight" { b: u32, a_stride: u32, b_stride: u32, flip: u32, count: u32 } }

params! { OutputParams for "winograd_output" {
    height: u32, width: u32, vectors: u32, tiles_h: u32, tiles_w: u32,
    first: u32, tiles: u32, count: u32,
    p0: f32, p1: f32, divisor: f32,
} }

pub(super) const LAYOUTS: [ParamsLayout; 3] =
    [InputParams::LAYOUT, WeightParams::LAYOUT, OutputParams::LAYOUT];

/// What the three kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// `winograd_input`, `winograd_weight`, `winograd_output`, or one of the gradient by the weight.
    pub stem: &'static str,
    /// Pixels along an edge of a tile of y: 2 or 4.
    pub tile: u32,
    /// Outer loops stay loops.
    pub compact: bool,
    /// Bias, residual and activation, of the output transform.
    pub epilogue: Epilogue,
}

impl Spec {
    /// One of the kernels for `tile`, as the device wants its loops, without an epilogue.
    pub fn new(context: &Context, stem: &'static str, tile: u32) -> Self {
        Self { stem, tile, compact: compact(context), epilogue: Epilogue::default() }
    }

    /// Channels, or filters, that a thread transforms side by side. With 36 components of four each software Vulkan takes
    /// twice as long to compile as with two, and runs no faster; with 16 components it does.
    pub fn width(&self) -> usize {
        let weights = matches!(self.stem, "winograd_weight" | "winograd_weight_gradient");
        if self.compact && (self.tile == 4 || weights) { 2 } else { 4 }
    }
}

impl From<Spec> for Specialisation {
    fn from(spec: Spec) -> Self {
        let width = spec.width();
        let kernel = Self::new(spec.stem)
            .with_u32("WORKGROUP", WORKGROUP)
            .with_u32("TILE", spec.tile)
            .with_u32("COMPACT", spec.compact.into())
            .with_u32("WIDTH", width as u32)
            .with_type("Numbers", if width == 2 { "vec2<f32>" } else { "vec4<f32>" });
        if spec.stem == "winograd_output" { spec.epilogue.specialise(kernel) } else { kernel }
    }
}

/// Software Vulkan compiles a load to a few hundred instructions: written out, the transforms outgrow the instruction
/// cache and take seconds to compile. On a GPU an array that a loop indexes leaves the registers.
fn compact(context: &Context) -> bool {
    Device::of(context).class == DeviceClass::SoftwareVulkan
}

/// Why minimal filtering cannot compute a pass of `problem`, if it cannot.
pub(super) fn obstacle(pass: Pass, problem: &Problem) -> Option<&'static str> {
    let op = &problem.op;
    let [inputs, outputs] = problem.group_channels();
    if problem.w_shape[2..] != [3, 3] || op.stride != [1, 1] || op.dilation != [1, 1] || op.groups != 1 {
        Some("it needs a 3 × 3 kernel, stride 1, no dilation and one group")
    } else if !inputs.is_multiple_of(4) || !outputs.is_multiple_of(4) {
        Some("it needs multiples of 4 channels")
    } else if pass == Pass::BackwardInput && op.padding.iter().any(|&padding| padding > 2) {
        Some("it needs a padding of 2 at most on the way back")
    } else {
        None
    }
}

/// Whether a tile of `tile`² pixels holds whole windows.
pub(super) fn pools(windows: Windows, tile: u32) -> bool {
    windows.size.iter().all(|&extent| tile.is_multiple_of(extent))
}

/// The transformed weight: (tile + 2)², C, O; on the way back (tile + 2)², O, C of the filters turned by 180°.
pub(super) fn pack(
    context: &Context,
    pass: Pass,
    problem: &Problem,
    tile: u32,
    weight: &Buffer,
) -> Result<Buffer> {
    let op = pass.name();
    let [outputs, inputs, ..] = problem.w_shape;
    let alpha = tile as usize + 2;
    let number = |value| to_u32(op, value);
    let (b, a_stride, b_stride, flip) = match pass {
        Pass::BackwardInput => (inputs, 9 * inputs, 9, 8),
        _ => (outputs, 9, 9 * inputs, 0),
    };
    number(alpha * alpha * inputs * outputs)?;
    let spec = Spec::new(context, "winograd_weight", tile);
    let params = WeightParams {
        b: number(b / spec.width())?,
        a_stride: number(a_stride)?,
        b_stride: number(b_stride)?,
        flip,
        count: number(inputs * outputs / spec.width())?,
    };
    let packed = context.alloc((alpha * alpha * inputs * outputs * 4) as u64)?;
    let dispatch = Dispatch {
        op,
        params: bytemuck::bytes_of(&params),
        buffers: &[weight, &packed],
        groups: groups(params.count),
    };
    context.dispatch(&spec.into(), &dispatch)?;
    Ok(packed)
}

pub(super) fn forward(
    context: &Context,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
    pooling: Option<&Pooling>,
    tile: u32,
) -> Result<()> {
    let packed = match tile {
        2 => operands.weight.packed(context, problem, |c, _, p, w| pack(c, Pass::Forward, p, 2, w))?,
        _ => operands.weight.packed(context, problem, |c, _, p, w| pack(c, Pass::Forward, p, 4, w))?,
    };
    let run = Run {
        pass: Pass::Forward,
        tile,
        from: problem.x_shape,
        to: problem.y_shape,
        padding: problem.op.padding,
        activation,
        pool: pooling.and_then(|pooling| Windows::new(pooling, problem.y_shape)),
        divisor: divisor(pooling),
    };
    run.run(context, &packed, operands.x, operands.bias, operands.residual, operands.y)
}

pub(super) fn backward_input(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    weight: &Buffer,
    grad_x: &Buffer,
    tile: u32,
) -> Result<()> {
    let pass = Pass::BackwardInput;
    let packed = pack(context, pass, problem, tile, weight)?;
    // What the kernel does not reach on one side it reaches on the other; `obstacle` has seen to it that 2 is enough.
    let padding = problem.op.padding.map(|padding| 2 - padding);
    let run = Run {
        pass,
        tile,
        from: problem.y_shape,
        to: problem.x_shape,
        padding,
        activation: None,
        pool: None,
        divisor: 1.0,
    };
    run.run(context, &packed, grad_y, None, None, grad_x)
}

/// Bytes that one round of launches leaves between them, so that they stay in a cache (on software Vulkan) or at least below
/// every device's bindings.
pub(super) fn budget(context: &Context) -> usize {
    match Device::of(context).class {
        DeviceClass::SoftwareVulkan => 16 << 20,
        DeviceClass::Gpu => 96 << 20,
    }
}

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
            groups: groups(params.count),
        };
        context.dispatch(&spec.into(), &dispatch)
    }
}

/// A convolution of N C H W `from` to N O OH OW `to` with a transformed weight.
struct Run {
    pass: Pass,
    tile: u32,
    from: [usize; 4],
    to: [usize; 4],
    padding: [usize; 2],
    activation: Option<UnaryOp>,
    pool: Option<Windows>,
    divisor: f32,
}

impl Run {
    /// Tiles that one round of launches takes, within the [`budget`].
    fn tiles_at_once(&self, context: &Context) -> usize {
        let alpha = self.tile as usize + 2;
        let tile_bytes = 4 * alpha * alpha * (self.from[1] + self.to[1]);
        // Whole rows of register tiles.
        (budget(context) / tile_bytes / 32).max(1) * 32
    }

    fn run(
        &self,
        context: &Context,
        packed: &Buffer,
        x: &Buffer,
        bias: Option<&Buffer>,
        residual: Option<&Buffer>,
        y: &Buffer,
    ) -> Result<()> {
        let op = self.pass.name();
        let number = |value| to_u32(op, value);
        let ([batch, inputs, height, width], [_, outputs, out_height, out_width]) = (self.from, self.to);
        let tile = self.tile as usize;
        let [tiles_h, tiles_w] = [out_height.div_ceil(tile), out_width.div_ceil(tile)];
        let all = batch * tiles_h * tiles_w;
        let batches = (tile + 2) * (tile + 2);
        let at_once = self.tiles_at_once(context).min(all);
        number(batches * at_once * inputs.max(outputs))?;
        for count in [batch * inputs * height * width, batch * outputs * out_height * out_width] {
            number(count)?;
        }
        let [p0, p1] = parameters(self.activation);
        let transformed = context.alloc((batches * at_once * inputs * 4) as u64)?;
        let products = context.alloc((batches * at_once * outputs * 4) as u64)?;
        let epilogue = Epilogue::new(bias, residual, y, self.activation).pooled(self.pool);
        let spec = Spec { epilogue, ..Spec::new(context, "winograd_output", self.tile) };
        let vectors = outputs / spec.width();
        let input_tiles = InputTiles {
            pass: self.pass,
            tile: self.tile,
            shape: self.from,
            grid: [tiles_h, tiles_w],
            padding: self.padding,
        };
        let mut first = 0;
        while first < all {
            let tiles = at_once.min(all - first);
            input_tiles.transform(context, x, &transformed, first, tiles)?;

            let product = matmul::Problem {
                batches,
                m: tiles,
                n: outputs,
                k: inputs,
                left_stride: tiles * inputs,
                right_stride: inputs * outputs,
                ..matmul::Problem::default()
            };
            let operands = matmul::Operands {
                left: &transformed,
                right: packed,
                bias: None,
                residual: None,
                y: &products,
            };
            matmul(context, &product, &operands, None)?;

            let params = OutputParams {
                height: number(out_height)?,
                width: number(out_width)?,
                vectors: number(vectors)?,
                tiles_h: number(tiles_h)?,
                tiles_w: number(tiles_w)?,
                first: number(first)?,
                tiles: number(tiles)?,
                count: number(tiles * vectors)?,
                p0,
                p1,
                divisor: self.divisor,
            };
            let dispatch = Dispatch {
                op,
                params: bytemuck::bytes_of(&params),
                buffers: &[
                    &products,
                    bias.unwrap_or(&products),
                    crate::epilogue::bound_residual(residual, y, &products),
                    y,
                ],
                groups: groups(params.count),
            };
            context.dispatch(&spec.into(), &dispatch)?;
            first += tiles;
        }
        Ok(())
    }
}
