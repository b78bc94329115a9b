//! `conv2d_cooperative`.

use tilewright_ops::UnaryOp;
use tilewright_runtime::{Context, Result};
use tilewright_shaders::Specialisation;

use super::{
    Operands, Pass, Problem,
    implicit_gemm::{Work, extents, run_forward},
    pack,
};
use crate::{cooperative::Matrices, epilogue::Epilogue, matmul::cooperative_workgroup_bytes};

/// What `conv2d_cooperative` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// Squares of 16 windows by 16 channels of a subgroup, down and across; a workgroup has 2 × 2 subgroups.
    pub fragments: [u32; 2],
    /// Step along the sum: 16 or 32.
    pub tile_k: u32,
    /// The device's matrices or emulated ones.
    pub matrices: Matrices,
    /// Bias, residual and activation.
    pub epilogue: Epilogue,
}

impl From<Spec> for Specialisation {
    fn from(spec: Spec) -> Self {
        let kernel = Self::new("conv2d_cooperative")
            .with_u32("FRAGMENTS_M", spec.fragments[0])
            .with_u32("FRAGMENTS_N", spec.fragments[1])
            .with_u32("TILE_K", spec.tile_k);
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
    let tiles = |edges: [usize; 2]| rows.div_ceil(edges[0]) * columns.div_ceil(edges[1]) * problem.op.groups;
    let fragments = match matrices {
        Matrices::Emulated { squares } => [squares; 2],
        // 64 channels are common: a tile of 128 would be half empty.
        Matrices::Device if columns > 64 && tiles([128, 128]) >= 64 => [4, 4],
        Matrices::Device if tiles([128, 64]) >= 64 => [4, 2],
        Matrices::Device => [2, 2],
    };
    let room = context.limits().max_compute_workgroup_storage_size >= cooperative_workgroup_bytes(32);
    let tile_k = if room { 32 } else { 16 };
    let tile = fragments.map(|fragments| 32 * fragments as usize);
    let work = Work::new(Pass::Forward, problem, tile, tile_k as usize, 64);
    run_forward(context, problem, operands, &packed, &work, activation, |epilogue| {
        Spec { fragments, tile_k, matrices, epilogue }.into()
    })
}
