//! `conv2d_implicit_gemm`, `conv2d_implicit_gemm_backward_input`, `conv2d_implicit_gemm_backward_weight`.

use tilewright_ops::{DType, PoolKind, Pooling, UnaryOp};
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{Operands, Pass, Problem, pack};
use crate::{
    epilogue::{Epilogue, Windows, bound_residual, parameters},
    magic::{magic, to_numerator},
    matmul::{Addends, Reduction, split_k_reduce, split_k_reduce_to},
    params::params,
    to_u32,
};

params! { Params for
    "conv2d_implicit_gemm", "conv2d_implicit_gemm_backward_input", "conv2d_implicit_gemm_backward_weight",
    "conv2d_cooperative" {
    x_shape: [u32; 4],
    w_shape: [u32; 4],
    y_shape: [u32; 4],
    x_strides: [u32; 4],
    y_strides: [u32; 4],
    stride: [u32; 2],
    padding: [u32; 2],
    dilation: [u32; 2],
    by_channels: [u32; 2],
    by_kernel_w: [u32; 2],
    by_width: [u32; 2],
    by_image: [u32; 2],
    by_stride_h: [u32; 2],
    by_stride_w: [u32; 2],
    groups: u32,
    count: u32,
    chunk: u32,
    terms: u32,
    rows: u32,
    columns: u32,
    tiles_m: u32,
    tiles_n: u32,
    p0: f32,
    p1: f32,
} }

/// What the implicit GEMM kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// Which kernel.
    pub pass: Pass,
    /// Rows and columns of the product that a thread sums in registers; 16 × 16 threads share a tile.
    pub thread: [u32; 2],
    /// Step along the sum.
    pub tile_k: u32,
    /// The gathered operand is read by vec4 of channels.
    pub vec4_gathered: bool,
    /// The other operand is read, and the result written, by vec4.
    pub vec4: bool,
    /// vec4s between rows of the tiles, for the banks.
    pub pad: u32,
    /// The type of the operands of a forward pass.
    pub dtype: DType,
    /// Bias and activation, of the forward pass.
    pub epilogue: Epilogue,
}

impl From<Spec> for Specialisation {
    fn from(spec: Spec) -> Self {
        let (kernel, gathered) = match spec.pass {
            Pass::Forward => (spec.epilogue.specialise(Self::new("conv2d_implicit_gemm")), "VEC_K"),
            Pass::BackwardInput => (Self::new("conv2d_implicit_gemm_backward_input"), "VEC_K"),
            Pass::BackwardWeight => (Self::new("conv2d_implicit_gemm_backward_weight"), "VEC_M"),
        };
        let kernel = if spec.dtype == DType::F16 { kernel.with_type("Operand", "f16") } else { kernel };
        let kernel = match spec.pass {
            Pass::BackwardWeight => kernel,
            _ => kernel.with_u32("PAD", spec.pad),
        };
        kernel
            .with_u32("THREAD_M", spec.thread[0])
            .with_u32("THREAD_N", spec.thread[1])
            .with_u32("TILE_K", spec.tile_k)
            .with_bool(gathered, spec.vec4_gathered)
            .with_bool("VEC_N", spec.vec4)
    }
}

/// Workgroups that are enough to fill a GPU.
const ENOUGH: usize = 64;

/// Terms of one running sum: few enough for its rounding.
const LONGEST: usize = 16_384;

impl Spec {
    /// The large tile where it leaves enough workgroups, in rows and columns of one group's product.
    fn new(context: &Context, pass: Pass, problem: &Problem) -> Self {
        let [inputs, outputs] = problem.group_channels().map(|channels| channels.is_multiple_of(4));
        let (thread, tile_k) = tiles(pass, problem);
        let (vec4_gathered, vec4) = match pass {
            Pass::Forward | Pass::BackwardWeight => (inputs, outputs),
            Pass::BackwardInput => (outputs, inputs),
        };
        // A row of four k is 16 · TILE bytes; a device with no more than 16 KiB has no room to keep rows apart.
        let room = context.limits().max_compute_workgroup_storage_size >= 16_640;
        let pad = if room { 32 / tile_k } else { 0 };
        let epilogue = Epilogue::default();
        Self { pass, thread, tile_k, vec4_gathered, vec4, pad, dtype: problem.dtype, epilogue }
    }

    fn tile(&self) -> [usize; 2] {
        self.thread.map(|extent| 16 * extent as usize)
    }
}

/// Rows and columns of a thread, and the step along the sum.
fn tiles(pass: Pass, problem: &Problem) -> ([u32; 2], u32) {
    let [rows, columns, _] = extents(pass, problem);
    let large = rows.div_ceil(128) * columns.div_ceil(128) * problem.op.groups;
    // The sum of a weight gradient is split anyway.
    let large = columns > 64 && (large >= ENOUGH || (pass == Pass::BackwardWeight && rows > 64));
    if large { ([8, 8], 8) } else { ([4, 4], 16) }
}

/// M, N and K of a group's product.
pub(super) fn extents(pass: Pass, problem: &Problem) -> [usize; 3] {
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
pub(super) struct Work {
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
        let shared = problem.params(op, self.count, activation)?;
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
            x_shape: shared.x_shape,
            w_shape: shared.w_shape,
            y_shape: shared.y_shape,
            x_strides: shared.x_strides,
            y_strides: shared.y_strides,
            stride: shared.stride,
            padding: shared.padding,
            dilation: shared.dilation,
            by_channels: by(channels)?,
            by_kernel_w: by(problem.w_shape[3])?,
            by_width: by(pixels[3])?,
            by_image: by(pixels[2] * pixels[3])?,
            by_stride_h: by(problem.op.stride[0])?,
            by_stride_w: by(problem.op.stride[1])?,
            groups: shared.groups,
            count: shared.count,
            chunk: number(self.chunk)?,
            terms: number(terms)?,
            rows: number(rows)?,
            columns: number(columns)?,
            tiles_m: number(self.tiles[0])?,
            tiles_n: number(self.tiles[1])?,
            p0,
            p1,
        })
    }
}

/// Runs a forward kernel whose operands are packed, and the second pass where its sums are split. `kernel` makes the
/// specialisation for the epilogue that the first pass does itself.
pub(super) fn run_forward(
    context: &Context,
    problem: &Problem,
    operands: &Operands<'_>,
    packed: &Buffer,
    work: &Work,
    activation: Option<UnaryOp>,
    kernel: impl Fn(Epilogue) -> Specialisation,
) -> Result<()> {
    let op = Pass::Forward.name();
    let Operands { x, bias, residual, y, .. } = *operands;
    let params = work.params(Pass::Forward, problem, activation)?;
    let count = problem.y_count();
    let partials = partials(context, op, count, work.splits)?;
    let kernel = match &partials {
        Some(_) => kernel(Epilogue::default()),
        None => kernel(Epilogue::new(bias, residual, y, activation)),
    };
    let narrow = problem.dtype == DType::F16 && partials.is_none();
    let kernel = if narrow { kernel.with_type("Output", "f16") } else { kernel };
    let result = partials.as_ref().unwrap_or(y);
    let buffers = [x, packed, bias.unwrap_or(packed), bound_residual(residual, y, packed), result];
    launch(context, op, &kernel, &params, &buffers)?;
    let Some(partials) = partials else { return Ok(()) };
    let (splits, period) = (work.splits, problem.y_shape[1]);
    let reduction = Reduction { count, splits, bias_inner: 1, bias_period: period, accumulate: false };
    let addends = Addends { bias, residual };
    split_k_reduce_to(problem.dtype, context, op, &reduction, &partials, addends, y, activation)
}

/// Room for the partial sums of `count` results, where there are several of each.
fn partials(context: &Context, op: &str, count: usize, splits: usize) -> Result<Option<Buffer>> {
    if splits == 1 {
        return Ok(None);
    }
    to_u32(op, count * splits)?;
    context.alloc((count * splits * 4) as u64).map(Some)
}

pub(super) fn forward(
    context: &Context,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
) -> Result<()> {
    let packed = operands.weight.packed(context, problem, pack::inputs_by_outputs)?;
    let spec = Spec::new(context, Pass::Forward, problem);
    let work = Work::new(Pass::Forward, problem, spec.tile(), spec.tile_k as usize, ENOUGH);
    run_forward(context, problem, operands, &packed, &work, activation, |epilogue| {
        Spec { epilogue, ..spec }.into()
    })
}

/// `problem` with as many rows and columns of y as windows cover.
fn covered(problem: &Problem, windows: Windows) -> Problem {
    let mut covered = *problem;
    for (extent, size) in covered.y_shape[2..].iter_mut().zip(windows.size) {
        *extent -= *extent % size as usize;
    }
    covered
}

/// Whether a thread holds whole windows of finished sums: it has four rows side by side, and sums that are not split.
pub(super) fn pools(problem: &Problem, windows: Windows, pooling: &Pooling) -> bool {
    let covered = covered(problem, windows);
    let (thread, tile_k) = tiles(Pass::Forward, &covered);
    let tile = thread.map(|extent| 16 * extent as usize);
    let mean = pooling.kind == PoolKind::Max || pooling.divisor() == 4;
    problem.dtype == DType::F32
        && windows.pixels() == 4
        && mean
        && Work::new(Pass::Forward, &covered, tile, tile_k as usize, ENOUGH).splits == 1
}

/// As [`forward`], where [`pools`] says yes.
pub(super) fn forward_pooled(
    context: &Context,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
    windows: Windows,
) -> Result<()> {
    let op = Pass::Forward.name();
    let Operands { x, bias, residual, y, .. } = *operands;
    let packed = operands.weight.packed(context, problem, pack::inputs_by_outputs)?;
    let covered = covered(problem, windows);
    let epilogue = Epilogue::new(bias, residual, y, activation).pooled(Some(windows));
    let spec = Spec { epilogue, ..Spec::new(context, Pass::Forward, &covered) };
    let work = Work::new(Pass::Forward, &covered, spec.tile(), spec.tile_k as usize, ENOUGH);
    let [_, _, height, width] = covered.y_shape;
    let [rows, columns] = [height / windows.size[0] as usize, width / windows.size[1] as usize];
    let params = Params {
        // A residual has the pixels that no window covers, too.
        y_strides: problem.params(op, 0, None)?.y_strides,
        by_width: magic(to_numerator(op, columns)?),
        by_image: magic(to_numerator(op, rows * columns)?),
        ..work.params(Pass::Forward, &covered, activation)?
    };
    let buffers = [x, &packed, bias.unwrap_or(&packed), bound_residual(residual, y, &packed), y];
    launch(context, op, &spec.into(), &params, &buffers)
}

pub(super) fn backward_input(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    weight: &Buffer,
    grad_x: &Buffer,
) -> Result<()> {
    let pass = Pass::BackwardInput;
    let op = pass.name();
    let packed = pack::outputs_by_inputs(context, op, problem, weight)?;
    let spec = Spec::new(context, pass, problem);
    let work = Work::new(pass, problem, spec.tile(), spec.tile_k as usize, ENOUGH);
    let params = work.params(pass, problem, None)?;
    let (count, splits) = (problem.x_count(), work.splits);
    let partials = partials(context, op, count, splits)?;
    let result = partials.as_ref().unwrap_or(grad_x);
    launch(context, op, &spec.into(), &params, &[grad_y, &packed, result])?;
    let Some(partials) = partials else { return Ok(()) };
    let reduction = Reduction { count, splits, bias_inner: 1, bias_period: 1, accumulate: false };
    split_k_reduce(context, op, &reduction, &partials, Addends::default(), grad_x, None)
}

pub(super) fn backward_weight(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    x: &Buffer,
    grad_weight: &Buffer,
) -> Result<()> {
    let pass = Pass::BackwardWeight;
    let op = pass.name();
    let count = problem.w_count();
    let spec = Spec::new(context, pass, problem);
    let work = Work::new(pass, problem, spec.tile(), spec.tile_k as usize, 2 * ENOUGH);
    let splits = work.splits;
    to_u32(op, count * splits)?;
    let params = work.params(pass, problem, None)?;
    let partials = context.alloc((count * splits * 4) as u64)?;
    launch(context, op, &spec.into(), &params, &[grad_y, x, &partials])?;
    if splits == 1 {
        return pack::from_inputs_by_outputs(context, op, problem, &partials, grad_weight);
    }
    let packed = context.alloc((count * 4) as u64)?;
    let reduction = Reduction { count, splits, bias_inner: 1, bias_period: 1, accumulate: false };
    split_k_reduce(context, op, &reduction, &partials, Addends::default(), &packed, None)?;
    pack::from_inputs_by_outputs(context, op, problem, &packed, grad_weight)
}

fn launch(
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
