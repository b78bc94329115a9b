//! `matmul_tiled`.

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

/// What `matmul_tiled` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// Edge of the square of C that a workgroup computes; its square is the number of threads.
    pub tile: u32,
    /// A is stored K M.
    pub transpose_left: bool,
    /// B is stored N K.
    pub transpose_right: bool,
    /// Bias and activation.
    pub epilogue: Epilogue,
}

impl From<Spec> for Specialisation {
    fn from(spec: Spec) -> Self {
        let kernel = Self::new("matmul_tiled")
            .with_u32("TILE", spec.tile)
            .with_bool("TRANSPOSE_A", spec.transpose_left)
            .with_bool("TRANSPOSE_B", spec.transpose_right);
        spec.epilogue.specialise(kernel)
    }
}

/// Squares in workgroup memory.
pub(super) struct Tiled;

impl Implementation for Tiled {
    fn name(&self) -> &'static str {
        "tiled"
    }

    fn stem(&self) -> &'static str {
        "matmul_tiled"
    }

    fn obstacle(&self, _: &Device, problem: &Problem) -> Option<&'static str> {
        (problem.dtype != DType::F32).then_some("it takes f32")
    }

    fn run(
        &self,
        context: &Context,
        problem: &Problem,
        operands: &Operands<'_>,
        activation: Option<UnaryOp>,
    ) -> Result<()> {
        let tile = 16;
        let tiling = Tiling::new([tile, tile], problem.k);
        launch::launch(context, problem, operands, activation, &tiling, false, |epilogue| {
            let Problem { transpose_left, transpose_right, .. } = *problem;
            Spec { tile: tile as u32, transpose_left, transpose_right, epilogue }.into()
        })
    }
}
