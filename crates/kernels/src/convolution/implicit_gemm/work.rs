//! How an implicit GEMM is divided into workgroups, and its uniform.

use tilewright_ops::UnaryOp;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::{
    base::{
        epilogue::parameters,
        magic::{magic, to_numerator},
        numbers::to_u32,
        params::params,
    },
    convolution::{
        geometry::Geometry,
        problem::{Pass, Problem},
    },
};

params! { Params for
    "conv2d_implicit_gemm", "conv2d_implicit_gemm_backward_input", "conv2d_implicit_gemm_backward_weight",
    "conv2d_cooperative" {
    geometry: Geometry,
    x_strides: [u32; 4],
    y_strides: [u32; 4],
    by_channels: [u32; 2],
    by_kernel_w: [u32; 2],
    by_width: [u32; 2],
    by_image: [u32; 2],
    by_stride_h: [u32; 2],
    by_stride_w: [u32; 2],
    count: u32,
    chunk: u32,
    terms: u32,
    rows: u32,
    columns: u32,
    tiles_m: u32,
    tiles_n: u32,
    p0: f32,
    p1: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
} }

/// Workgroups that are enough to fill a GPU.
pub(super) const ENOUGH: usize = 64;

/// Terms of one running sum: few enough for its rounding.
const LONGEST: usize = 16_384;

/// M, N and K of a group's product.
pub(crate) fn extents(pass: Pass, problem: &Problem) -> [usize; 3] {
    let [inputs, outputs] = problem.group_channels();
    let [n, _, h, w] = problem.x_shape;
    let [_, _, kh, kw] = problem.w_shape;
    match pass {
        Pass::Forward => [problem.y_pixels(), outputs, problem.terms()],
        Pass::BackwardInput => [n * h * w, inputs, kh * kw * outputs],
        Pass::BackwardWeight => [problem.terms(), outputs, problem.y_pixels()],
    }
}

/// How a pass is divided into workgroups.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    /// Rows and columns of tiles of a group's product.
    tiles: [usize; 2],
    /// Parts of the sum.
    pub splits: usize,
    /// Terms of a part.
    chunk: usize,
    /// Workgroups.
    pub count: usize,
}

impl Work {
    /// Parts of at least 256 terms until there are `wanted` workgroups; none so long that its sum loses digits. The
    /// number follows from the shape alone.
    pub fn new(pass: Pass, problem: &Problem, tile: [usize; 2], tile_k: usize, wanted: usize) -> Self {
        let [rows, columns, terms] = extents(pass, problem);
        let tiles = [rows.div_ceil(tile[0]), columns.div_ceil(tile[1])];
        let groups = tiles[0] * tiles[1] * problem.op.groups;
        let splits = wanted.div_ceil(groups.max(1)).min(terms / 256).max(terms.div_ceil(LONGEST)).max(1);
        let chunk = terms.div_ceil(splits).next_multiple_of(tile_k).max(tile_k);
        let splits = terms.div_ceil(chunk).max(1);
        Self { tiles, splits, chunk, count: groups * splits }
    }

    pub fn params(&self, pass: Pass, problem: &Problem, activation: Option<UnaryOp>) -> Result<Params> {
        let op = pass.name();
        let number = |value| to_numerator(op, value);
        let geometry = Geometry::new(op, problem)?;
        let [x_strides, y_strides] = geometry.strides();
        let [rows, columns, terms] = extents(pass, problem);
        let [inputs, outputs] = problem.group_channels();
        // Which image's pixels are the rows, or the terms, of the product; whose channels run along a tap.
        let (pixels, channels) = match pass {
            Pass::Forward | Pass::BackwardWeight => (problem.y_shape, inputs),
            Pass::BackwardInput => (problem.x_shape, outputs),
        };
        let by = |value| number(value).map(magic);
        let [p0, p1] = parameters(activation);
        // What a kernel divides may lie a tile beyond the end.
        number(rows.max(terms) + 256)?;
        Ok(Params {
            geometry,
            x_strides,
            y_strides,
            by_channels: by(channels)?,
            by_kernel_w: by(problem.w_shape[3])?,
            by_width: by(pixels[3])?,
            by_image: by(pixels[2] * pixels[3])?,
            by_stride_h: by(problem.op.stride[0])?,
            by_stride_w: by(problem.op.stride[1])?,
            count: to_u32(op, self.count)?,
            chunk: number(self.chunk)?,
            terms: number(terms)?,
            rows: number(rows)?,
            columns: number(columns)?,
            tiles_m: number(self.tiles[0])?,
            tiles_n: number(self.tiles[1])?,
            p0,
            p1,
            pad0: 0,
            pad1: 0,
            pad2: 0,
        })
    }
}

/// Room for the partial sums of `count` results, where there are several of each.
pub(super) fn partials(context: &Context, op: &str, count: usize, splits: usize) -> Result<Option<Buffer>> {
    if splits == 1 {
        return Ok(None);
    }
    to_u32(op, count * splits)?;
    context.alloc((count * splits * 4) as u64).map(Some)
}

pub(super) fn launch(
    context: &Context,
    op: &str,
    kernel: &Specialisation,
    params: &Params,
    buffers: &[&Buffer],
) -> Result<()> {
    let dispatch =
        Dispatch { op, params: bytemuck::bytes_of(params), buffers, groups: u64::from(params.count) };
    context.dispatch(kernel, &dispatch)
}
