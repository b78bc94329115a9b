//! `matmul_register_tiled`.

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

/// What `matmul_register_tiled` is compiled for.
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
    /// Bias and activation.
    pub epilogue: Epilogue,
}

impl From<Spec> for Specialisation {
    fn from(spec: Spec) -> Self {
        let kernel = Self::new("matmul_register_tiled")
            .with_u32("THREAD_M", spec.thread[0])
            .with_u32("THREAD_N", spec.thread[1])
            .with_u32("TILE_K", spec.tile_k)
            .with_bool("TRANSPOSE_A", spec.transpose_left)
            .with_bool("TRANSPOSE_B", spec.transpose_right);
        spec.epilogue.specialise(launch::with_operands(kernel, spec.dtype))
    }
}

/// Squares in workgroup memory and in registers.
pub(super) struct RegisterTiled;

impl Implementation for RegisterTiled {
    fn name(&self) -> &'static str {
        "register_tiled"
    }

    fn stem(&self) -> &'static str {
        "matmul_register_tiled"
    }

    fn obstacle(&self, _: &Device, _: &Problem) -> Option<&'static str> {
        None
    }

    fn run(
        &self,
        context: &Context,
        problem: &Problem,
        operands: &Operands<'_>,
        activation: Option<UnaryOp>,
    ) -> Result<()> {
        let Problem { transpose_left, transpose_right, dtype, .. } = *problem;
        let tiling = Tiling::new([64, 64], problem.k).split_for(problem, 64);
        launch::launch(context, problem, operands, activation, &tiling, false, |epilogue| {
            Spec { thread: [4, 4], tile_k: 16, dtype, transpose_left, transpose_right, epilogue }.into()
        })
    }
}
