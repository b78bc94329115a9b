//! What the launchers of the ladder share: their `Params`, the count of workgroups, and the split of K.

use tilewright_ops::{DType, UnaryOp};
use tilewright_runtime::{Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{
    problem::{Operands, Problem},
    split_k_reduce::{Addends, Reduction, split_k_reduce_to},
};
use crate::base::{
    epilogue::{Epilogue, bound_residual, parameters},
    numbers::to_u32,
    params::params,
};

params! { Params for
    "matmul_naive", "matmul_tiled", "matmul_register_tiled", "matmul_vec4", "matmul_lanes", "matmul_cooperative" {
    m: u32,
    n: u32,
    k: u32,
    batches: u32,
    a_stride: u32,
    b_stride: u32,
    tiles_m: u32,
    tiles_n: u32,
    workgroups: u32,
    k_chunk: u32,
    p0: f32,
    p1: f32,
} }

/// Terms of one running sum: few enough for its rounding, and for every driver's loops.
pub(super) const LONGEST: usize = 16_384;

/// How a kernel divides the work.
pub(super) struct Tiling {
    /// Rows and columns of C in a tile.
    pub tile: [usize; 2],
    /// Tiles of one workgroup.
    pub tiles_per_group: usize,
    /// The parts into which K is split.
    pub splits: usize,
    /// The parts end at multiples of this.
    pub k_multiple: usize,
}

impl Tiling {
    /// One tile to a workgroup; K is split only where one sum would be too long.
    pub fn new(tile: [usize; 2], k: usize) -> Self {
        Self { tile, tiles_per_group: 1, splits: k.div_ceil(LONGEST).max(1), k_multiple: 4 }
    }
}

impl Tiling {
    /// Splits K further while there are fewer than `wanted` workgroups, as long as a part is worth starting.
    pub fn split_for(mut self, problem: &Problem, wanted: usize) -> Self {
        let tiles = problem.batches * problem.m.div_ceil(self.tile[0]) * problem.n.div_ceil(self.tile[1]);
        while tiles * self.splits < wanted && problem.k / (self.splits * 2) >= 256 {
            self.splits *= 2;
        }
        self
    }
}

/// The kernel for operands of `dtype`.
pub(super) fn with_operands(kernel: Specialisation, dtype: DType) -> Specialisation {
    if dtype == DType::F16 { kernel.with_type("Operand", "f16") } else { kernel }
}

/// Runs a kernel of the ladder; `kernel` makes its specialisation for the epilogue that the first pass does itself.
/// `y_transposed` says that the kernel stores C as N M, with a bias for each row (of a swapped problem).
pub(super) fn launch(
    context: &Context,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
    tiling: &Tiling,
    y_transposed: bool,
    kernel: impl Fn(Epilogue) -> Specialisation,
) -> Result<()> {
    let op = "matmul";
    let number = |value| to_u32(op, value);
    let Problem { batches, m, n, k, .. } = *problem;
    let count = batches * m * n;
    if count == 0 {
        return Ok(());
    }
    let chunk = k.div_ceil(tiling.splits).next_multiple_of(tiling.k_multiple).max(1);
    let splits = k.div_ceil(chunk).max(1);
    let [tiles_m, tiles_n] = [m.div_ceil(tiling.tile[0]), n.div_ceil(tiling.tile[1])];
    let workgroups = (tiles_m * tiles_n * batches * splits).div_ceil(tiling.tiles_per_group);
    // Indices of operands and of partial sums are u32 in the kernels.
    number(count * splits)?;
    number(m * k)?;
    number(k * n)?;
    let [p0, p1] = parameters(activation);
    let params = Params {
        m: number(m)?,
        n: number(n)?,
        k: number(k)?,
        batches: number(batches)?,
        a_stride: number(problem.left_stride)?,
        b_stride: number(problem.right_stride)?,
        tiles_m: number(tiles_m)?,
        tiles_n: number(tiles_n)?,
        workgroups: number(workgroups)?,
        k_chunk: number(chunk)?,
        p0,
        p1,
    };
    let whole = Epilogue::new(operands.bias, operands.residual, operands.y, activation);
    let partial = if splits > 1 { Some(context.alloc((count * splits * 4) as u64)?) } else { None };
    let first_pass = if partial.is_some() { Epilogue::default() } else { whole };
    let mut kernel = kernel(first_pass);
    if problem.dtype == DType::F16 && partial.is_none() {
        kernel = kernel.with_type("Output", "f16");
    }
    let dispatch = Dispatch {
        op,
        params: bytemuck::bytes_of(&params),
        buffers: &[
            operands.left,
            operands.right,
            operands.bias.unwrap_or(operands.left),
            bound_residual(operands.residual, operands.y, operands.left),
            partial.as_ref().unwrap_or(operands.y),
        ],
        groups: workgroups as u64,
    };
    context.dispatch(&kernel, &dispatch)?;
    let Some(partial) = partial else { return Ok(()) };
    // The innermost extent of C as it lies in memory, and which of its elements share a bias.
    let (inner, period) = if y_transposed { (1, m) } else { (1, n) };
    let reduction = Reduction { count, splits, bias_inner: inner, bias_period: period, accumulate: false };
    let Operands { bias, residual, y, .. } = *operands;
    let addends = Addends { bias, residual };
    split_k_reduce_to(problem.dtype, context, op, &reduction, &partial, addends, y, activation)
}
