//! `matmul_naive`.

use tilewright_ops::{DType, UnaryOp};
use tilewright_runtime::{Context, Result};
use tilewright_shaders::Specialisation;

use super::{
    implementation::Implementation,
    launch,
    launch::Tiling,
    problem::{Operands, Problem},
};
use crate::base::{device::Device, epilogue::Epilogue, numbers::WORKGROUP};

/// What `matmul_naive` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
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
        let kernel = Self::new("matmul_naive")
            .with_u32("WORKGROUP", WORKGROUP)
            .with_bool("TRANSPOSE_A", spec.transpose_left)
            .with_bool("TRANSPOSE_B", spec.transpose_right);
        spec.epilogue.specialise(launch::with_operands(kernel, spec.dtype))
    }
}

/// The definition, on any device.
pub(super) struct Naive;

impl Implementation for Naive {
    fn name(&self) -> &'static str {
        "naive"
    }

    fn stem(&self) -> &'static str {
        "matmul_naive"
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
        let tiling = Tiling { tiles_per_group: WORKGROUP as usize, ..Tiling::new([1, 1], problem.k) };
        launch::launch(context, problem, operands, activation, &tiling, false, |epilogue| {
            let Problem { transpose_left, transpose_right, dtype, .. } = *problem;
            Spec { dtype, transpose_left, transpose_right, epilogue }.into()
        })
    }
}
