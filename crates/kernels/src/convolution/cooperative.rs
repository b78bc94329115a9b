//! `conv2d_cooperative`.

use tilewright_ops::{DType, UnaryOp};
use tilewright_runtime::{Context, Result};
use tilewright_shaders::Specialisation;

use super::{
    Operands, Pass, Problem,
    implicit_gemm::{Work, extents, run_forward},
    pack,
};
use crate::{
    cooperative::{Emulation, Matrices},
    epilogue::Epilogue,
};

/// What `conv2d_cooperative` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// Matrices of windows by channels of a subgroup, down and across; a workgroup has 2 × 2 subgroups.
    pub fragments: [u32; 2],
    /// Step along the sum: 16 or 32.
    pub tile_k: u32,
    /// The device's matrices or emulated ones.
    pub matrices: Matrices,
    /// The type of the operands: f16, or f32 by matrices of 8 × 8.
    pub dtype: DType,
    /// Bias, residual and activation.
    pub epilogue: Epilogue,
}

impl From<Spec> for Specialisation {
    fn from(spec: Spec) -> Self {
        let kernel = Self::new("conv2d_cooperative")
            .with_u32("FRAGMENTS_M", spec.fragments[0])
            .with_u32("FRAGMENTS_N", spec.fragments[1])
            .with_u32("TILE_K", spec.tile_k);
        let kernel = if spec.dtype == DType::F32 { kernel.with_type("Operand", "f32") } else { kernel };
        spec.epilogue.specialise(spec.matrices.specialise(kernel))
    }
}

pub(super) fn forward(
    context: &Context,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
    matrices: Matrices,
) -> Result<()> {
    let packed = operands.weight.packed(context, problem, pack::inputs_by_outputs)?;
    let [rows, columns, _] = extents(Pass::Forward, problem);
    let tile = |fragments: [u32; 2]| fragments.map(|count| (2 * matrices.edge() * count) as usize);
    let enough = |fragments: [u32; 2]| {
        let [m, n] = tile(fragments);
        rows.div_ceil(m) * columns.div_ceil(n) * problem.op.groups >= 64
    };
    let fragments = match matrices {
        Matrices::Emulated(Emulation { squares, .. }) => [squares; 2],
        // 64 channels are common: a tile of 128 would be half empty.
        Matrices::Device { .. } if columns > tile([4, 2])[1] && enough([4, 4]) => [4, 4],
        Matrices::Device { .. } if enough([4, 2]) => [4, 2],
        Matrices::Device { .. } => [2, 2],
    };
    let tile_k = matrices.tile_k(problem.dtype, context.limits().max_compute_workgroup_storage_size);
    let tile = tile(fragments);
    let work = Work::new(Pass::Forward, problem, tile, tile_k as usize, 64);
    run_forward(context, problem, operands, &packed, &work, activation, |epilogue| {
        Spec { fragments, tile_k, matrices, dtype: problem.dtype, epilogue }.into()
    })
}
