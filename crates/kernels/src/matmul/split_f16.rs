//! `matmul_split_f16_largest`, `matmul_split_f16`, `matmul_cooperative_split_f16`: fp32 by products of halves.

use tilewright_ops::{DType, UnaryOp};
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{
    implementation::Implementation,
    launch::Tiling,
    problem::{Operands, Problem},
    split_k_reduce::{Addends, Reduction, split_k_reduce},
    vec4::bands,
};
use crate::base::{
    device::{Cooperative as Units, Device},
    epilogue::{Epilogue, bound_residual, parameters},
    matrices::{ABSENT, Emulation, Matrices},
    numbers::to_u32,
    params::params,
};

params! { LargestParams for "matmul_split_f16_largest" { count: u32, workgroups: u32 } }

params! { SplitParams for "matmul_split_f16" {
    rows: u32,
    k: u32,
    rows_padded: u32,
    k_padded: u32,
    row_step: u32,
    k_step: u32,
    stride: u32,
    slot: u32,
    largest: u32,
    workgroups: u32,
} }

params! { Params for "matmul_cooperative_split_f16" {
    m: u32,
    n: u32,
    k: u32,
    batches: u32,
    a_stride: u32,
    b_stride: u32,
    a_plane: u32,
    b_plane: u32,
    tiles_m: u32,
    tiles_n: u32,
    workgroups: u32,
    k_chunk: u32,
    p0: f32,
    p1: f32,
} }

/// What `matmul_cooperative_split_f16` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// Squares of 16 × 16 of C of a subgroup, down and across; a workgroup has 4 × 2 subgroups.
    pub fragments: [u32; 2],
    /// C is written by vec4.
    pub vec4_y: bool,
    /// Tiles of a band of C.
    pub group_m: u32,
    /// The device's matrices or emulated ones.
    pub matrices: Matrices,
    /// Bias and activation.
    pub epilogue: Epilogue,
}

impl From<Spec> for Specialisation {
    fn from(spec: Spec) -> Self {
        let kernel = Self::new("matmul_cooperative_split_f16")
            .with_u32("FRAGMENTS_M", spec.fragments[0])
            .with_u32("FRAGMENTS_N", spec.fragments[1])
            .with_bool("VEC_C", spec.vec4_y)
            .with_u32("GROUP_M", spec.group_m);
        spec.epilogue.specialise(spec.matrices.specialise(kernel))
    }
}

/// Bytes of workgroup memory of the largest variant.
const WORKGROUP_BYTES: u32 = (128 + 128) * (16 + 8) * 4 + 8192;

/// K is padded to whole squares of `matmul_split_f16`.
const SQUARE: usize = 32;

/// An operand as `rows` by K, wherever it lies.
struct Side<'a> {
    buffer: &'a Buffer,
    rows: usize,
    /// Rows, padded to whole tiles.
    padded: usize,
    /// Elements from row to row and from k to k.
    steps: [usize; 2],
    /// Elements from matrix to matrix, 0 for one that all share.
    stride: usize,
    /// Its place in `scales`.
    slot: u32,
}

impl Side<'_> {
    fn matrices(&self, problem: &Problem) -> usize {
        if self.stride == 0 { 1 } else { problem.batches }
    }

    /// Both halves, high before low, of each matrix.
    fn split(&self, context: &Context, op: &str, problem: &Problem, scales: &Buffer) -> Result<Buffer> {
        let number = |value| to_u32(op, value);
        let (k, matrices) = (problem.k, self.matrices(problem));
        let count = (matrices - 1) * self.stride + self.rows * k;
        let chunks = count.div_ceil(4096).min(256);
        let largest = context.alloc(chunks as u64 * 4)?;
        let params = LargestParams { count: number(count)?, workgroups: number(chunks)? };
        context.dispatch(
            &Specialisation::new("matmul_split_f16_largest"),
            &Dispatch {
                op,
                params: bytemuck::bytes_of(&params),
                buffers: &[self.buffer, &largest],
                groups: chunks as u64,
            },
        )?;
        let k_padded = k.next_multiple_of(SQUARE);
        let elements = matrices * 2 * self.padded * k_padded;
        number(elements)?;
        let halves = context.alloc(elements as u64 * 2)?;
        let workgroups = matrices * (self.padded / SQUARE) * (k_padded / SQUARE);
        let params = SplitParams {
            rows: number(self.rows)?,
            k: number(k)?,
            rows_padded: number(self.padded)?,
            k_padded: number(k_padded)?,
            row_step: number(self.steps[0])?,
            k_step: number(self.steps[1])?,
            stride: number(self.stride)?,
            slot: self.slot,
            largest: number(chunks)?,
            workgroups: number(workgroups)?,
        };
        context.dispatch(
            &Specialisation::new("matmul_split_f16"),
            &Dispatch {
                op,
                params: bytemuck::bytes_of(&params),
                buffers: &[self.buffer, &largest, &halves, scales],
                groups: workgroups as u64,
            },
        )?;
        Ok(halves)
    }
}

/// f32 by three products of halves on matrix units.
pub(super) struct SplitF16 {
    /// What stands in for the device's matrices.
    pub emulation: Option<Emulation>,
}

impl SplitF16 {
    fn matrices(&self, device: &Device) -> Matrices {
        self.emulation.map_or_else(|| Matrices::of(device), Matrices::Emulated)
    }
}

impl Implementation for SplitF16 {
    fn name(&self) -> &'static str {
        "split_f16"
    }

    fn stem(&self) -> &'static str {
        "matmul_cooperative_split_f16"
    }

    fn obstacle(&self, device: &Device, problem: &Problem) -> Option<&'static str> {
        match problem.dtype {
            _ if self.emulation.is_none() && device.cooperative == Units::Absent => Some(ABSENT),
            _ if self.matrices(device).edge() != 16 => {
                Some("it needs cooperative matrices of 16 × 16 f16 with f32 sums")
            }
            dtype if dtype != DType::F32 => Some("it takes f32"),
            _ if !device.f16 => Some("the device has no f16 in shaders"),
            _ if device.max_workgroup_bytes < WORKGROUP_BYTES => Some("it needs 32 KiB of workgroup memory"),
            _ => (problem.k == 0).then_some("it needs K > 0"),
        }
    }

    fn pays(&self, device: &Device, _: DType) -> bool {
        match device.cooperative {
            Units::Present { split_f16_pays, .. } => split_f16_pays,
            Units::Absent => true,
        }
    }

    fn run(
        &self,
        context: &Context,
        problem: &Problem,
        operands: &Operands<'_>,
        activation: Option<UnaryOp>,
    ) -> Result<()> {
        let matrices = self.matrices(&Device::of(context));
        let op = "matmul";
        let number = |value| to_u32(op, value);
        let Problem { batches, m, n, k, .. } = *problem;
        let count = batches * m * n;
        if count == 0 {
            return Ok(());
        }
        let fragments = match matrices {
            Matrices::Device { .. } => [2, 4],
            Matrices::Emulated(Emulation { squares, .. }) => [squares, squares],
        };
        let tile = [64 * fragments[0] as usize, 32 * fragments[1] as usize];
        let [tiles_m, tiles_n] = [m.div_ceil(tile[0]), n.div_ceil(tile[1])];
        let left = Side {
            buffer: operands.left,
            rows: m,
            padded: tiles_m * tile[0],
            steps: if problem.transpose_left { [1, m] } else { [k, 1] },
            stride: problem.left_stride,
            slot: 0,
        };
        let right = Side {
            buffer: operands.right,
            rows: n,
            padded: tiles_n * tile[1],
            steps: if problem.transpose_right { [k, 1] } else { [1, n] },
            stride: problem.right_stride,
            slot: 1,
        };
        let scales = context.alloc(8)?;
        let a = left.split(context, op, problem, &scales)?;
        let b = right.split(context, op, problem, &scales)?;

        let k_padded = k.next_multiple_of(SQUARE);
        let wanted = Tiling::new(tile, k).split_for(problem, 64).splits;
        let chunk = k_padded.div_ceil(wanted).next_multiple_of(SQUARE);
        let splits = k_padded.div_ceil(chunk);
        let workgroups = tiles_m * tiles_n * batches * splits;
        number(count * splits)?;
        let plane = |side: &Side<'_>| number(side.padded * k_padded / 4);
        let stride = |side: &Side<'_>| plane(side).map(|plane| if side.stride == 0 { 0 } else { 2 * plane });
        let [p0, p1] = parameters(activation);
        let params = Params {
            m: number(m)?,
            n: number(n)?,
            k: number(k_padded)?,
            batches: number(batches)?,
            a_stride: stride(&left)?,
            b_stride: stride(&right)?,
            a_plane: plane(&left)?,
            b_plane: plane(&right)?,
            tiles_m: number(tiles_m)?,
            tiles_n: number(tiles_n)?,
            workgroups: number(workgroups)?,
            k_chunk: number(chunk)?,
            p0,
            p1,
        };
        let partial = if splits > 1 { Some(context.alloc((count * splits * 4) as u64)?) } else { None };
        let whole = Epilogue::new(operands.bias, operands.residual, operands.y, activation);
        let epilogue = if partial.is_some() { Epilogue::default() } else { whole };
        let vec4_y = n.is_multiple_of(4);
        let spec = Spec { fragments, vec4_y, group_m: bands([tiles_m, tiles_n]), matrices, epilogue };
        let Operands { bias, residual, .. } = *operands;
        let y = partial.as_ref().unwrap_or(operands.y);
        let dispatch = Dispatch {
            op,
            params: bytemuck::bytes_of(&params),
            buffers: &[&a, &b, &scales, bias.unwrap_or(&scales), bound_residual(residual, y, &scales), y],
            groups: workgroups as u64,
        };
        context.dispatch(&spec.into(), &dispatch)?;
        let Some(partial) = partial else { return Ok(()) };
        let reduction = Reduction { count, splits, bias_inner: 1, bias_period: n, accumulate: false };
        split_k_reduce(context, op, &reduction, &partial, Addends { bias, residual }, operands.y, activation)
    }

    fn emulated(&self, emulation: Emulation) -> Option<Box<dyn Implementation>> {
        Some(Box::new(Self { emulation: Some(emulation) }))
    }
}
