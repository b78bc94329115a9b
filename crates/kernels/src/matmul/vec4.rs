//! `matmul_vec4`.

use tilewright_ops::{DType, UnaryOp};
use tilewright_runtime::{Context, Result};
use tilewright_shaders::Specialisation;

use super::{
    implementation::Implementation,
    launch,
    launch::Tiling,
    problem::{Operands, Problem},
};
use crate::base::{device::Device, epilogue::Epilogue};

/// What `matmul_vec4` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// Rows and columns of C that a thread sums in registers; 16 × 16 threads share a tile.
    pub thread: [u32; 2],
    /// Step along K.
    pub tile_k: u32,
    /// The type of A and B.
    pub dtype: DType,
    /// A is stored K M.
    pub transpose_left: bool,
    /// B is stored N K.
    pub transpose_right: bool,
    /// Tiles do not divide the extents, so that every access is tested.
    pub edges: bool,
    /// vec4s between rows of the tiles, for the banks.
    pub pad: u32,
    /// Tiles of a band of C, which is walked column by column.
    pub group_m: u32,
    /// Bias and activation.
    pub epilogue: Epilogue,
}

impl From<Spec> for Specialisation {
    fn from(spec: Spec) -> Self {
        let kernel = Self::new("matmul_vec4")
            .with_u32("THREAD_M", spec.thread[0])
            .with_u32("THREAD_N", spec.thread[1])
            .with_u32("TILE_K", spec.tile_k)
            .with_bool("TRANSPOSE_A", spec.transpose_left)
            .with_bool("TRANSPOSE_B", spec.transpose_right)
            .with_bool("EDGES", spec.edges)
            .with_u32("PAD", spec.pad)
            .with_u32("GROUP_M", spec.group_m);
        spec.epilogue.specialise(launch::with_operands(kernel, spec.dtype))
    }
}

/// Tiles of a band of C, for so many rows and columns of tiles. Where a row of tiles is longer than a GPU runs at a time, a
/// band of 8 reads B an eighth as often.
pub(super) fn bands(tiles: [usize; 2]) -> u32 {
    if tiles[0].min(tiles[1]) >= 16 { 8 } else { 1 }
}

/// The tile for a problem: the large one where it leaves enough workgroups to fill a GPU.
fn tile(problem: &Problem) -> ([usize; 2], u32) {
    let large = problem.batches * problem.m.div_ceil(128) * problem.n.div_ceil(128);
    if large >= 64 { ([128, 128], 8) } else { ([64, 64], 16) }
}

/// Squares in workgroup memory and in registers, by vec4, two tiles in turn.
pub(super) struct Vec4;

impl Implementation for Vec4 {
    fn name(&self) -> &'static str {
        "vec4"
    }

    fn stem(&self) -> &'static str {
        "matmul_vec4"
    }

    fn obstacle(&self, _: &Device, problem: &Problem) -> Option<&'static str> {
        let [left, right, _] = problem.vec4_aligned();
        (!left || !right).then_some("it needs rows of both operands that begin at whole vec4s")
    }

    fn run(
        &self,
        context: &Context,
        problem: &Problem,
        operands: &Operands<'_>,
        activation: Option<UnaryOp>,
    ) -> Result<()> {
        let Problem { m, n, k, transpose_left, transpose_right, dtype, .. } = *problem;
        let (tile, tile_k) = tile(problem);
        let mut tiling = Tiling::new(tile, k).split_for(problem, 64);
        tiling.k_multiple = tile_k as usize;
        let whole =
            m.is_multiple_of(tile[0]) && n.is_multiple_of(tile[1]) && k.is_multiple_of(tile_k as usize);
        // The rows of a tile are 4 · TILE_K bytes; a device with no more than 16 KiB has no room to keep them apart.
        let room = context.limits().max_compute_workgroup_storage_size >= 16_896;
        let pad = if room { 32 / tile_k } else { 0 };
        let group_m = bands([m.div_ceil(tile[0]), n.div_ceil(tile[1])]);
        launch::launch(context, problem, operands, activation, &tiling, false, |epilogue| {
            let thread = tile.map(|extent| extent as u32 / 16);
            Spec {
                thread,
                tile_k,
                dtype,
                transpose_left,
                transpose_right,
                edges: !whole,
                pad,
                group_m,
                epilogue,
            }
            .into()
        })
    }
}
