//! `matmul_cooperative`.

use tilewright_ops::{DType, UnaryOp};
use tilewright_runtime::{Context, Result};
use tilewright_shaders::Specialisation;

use super::{
    implementation::Implementation,
    launch,
    launch::Tiling,
    problem::{Operands, Problem},
    vec4::bands,
};
use crate::base::{
    device::{Cooperative as Units, Device},
    epilogue::Epilogue,
    matrices::{ABSENT, Emulation, Matrices},
};

/// What `matmul_cooperative` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// Matrices of C of a subgroup, down and across; a workgroup has 2 × 2 subgroups.
    pub fragments: [u32; 2],
    /// Step along K: 16 or 32.
    pub tile_k: u32,
    /// A is stored K M.
    pub transpose_left: bool,
    /// B is stored N K.
    pub transpose_right: bool,
    /// C is written by vec4.
    pub vec4_y: bool,
    /// Tiles of a band of C.
    pub group_m: u32,
    /// The device's matrices or emulated ones.
    pub matrices: Matrices,
    /// The type of the operands: f16, or f32 by matrices of 8 × 8.
    pub dtype: DType,
    /// Bias and activation.
    pub epilogue: Epilogue,
}

impl From<Spec> for Specialisation {
    fn from(spec: Spec) -> Self {
        let kernel = Self::new("matmul_cooperative")
            .with_u32("FRAGMENTS_M", spec.fragments[0])
            .with_u32("FRAGMENTS_N", spec.fragments[1])
            .with_u32("TILE_K", spec.tile_k)
            .with_bool("TRANSPOSE_A", spec.transpose_left)
            .with_bool("TRANSPOSE_B", spec.transpose_right)
            .with_bool("VEC_C", spec.vec4_y)
            .with_u32("GROUP_M", spec.group_m);
        let kernel = if spec.dtype == DType::F32 { kernel.with_type("Operand", "f32") } else { kernel };
        spec.epilogue.specialise(spec.matrices.specialise(kernel))
    }
}

/// Matrices of the device's matrix units.
pub(super) struct Cooperative {
    /// What stands in for the device's matrices.
    pub emulation: Option<Emulation>,
}

impl Cooperative {
    fn matrices(&self, device: &Device) -> Matrices {
        self.emulation.map_or_else(|| Matrices::of(device), Matrices::Emulated)
    }
}

impl Implementation for Cooperative {
    fn name(&self) -> &'static str {
        "cooperative"
    }

    fn stem(&self) -> &'static str {
        "matmul_cooperative"
    }

    fn obstacle(&self, device: &Device, problem: &Problem) -> Option<&'static str> {
        let [left, right, _] = problem.vec4_aligned();
        let edge = self.matrices(device).edge();
        match problem.dtype {
            _ if self.emulation.is_none() && device.cooperative == Units::Absent => Some(ABSENT),
            DType::F32 if edge != 8 => Some("it takes f16; f32 by matrices of 8 × 8, as Metal has them"),
            _ if !device.f16 => Some("the device has no f16 in shaders"),
            dtype if device.max_workgroup_bytes < Matrices::workgroup_bytes(edge, dtype, 16) => {
                Some("it needs 32 KiB of workgroup memory")
            }
            _ if problem.k == 0 => Some("it needs K > 0"),
            _ if !left || !right => Some("it needs rows of both operands that begin at whole vec4s"),
            _ => None,
        }
    }

    fn pays(&self, device: &Device, dtype: DType) -> bool {
        match device.cooperative {
            Units::Present { f16_pays, f32_pays, .. } => {
                if dtype == DType::F16 {
                    f16_pays
                } else {
                    f32_pays
                }
            }
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
        let Problem { m, n, k, transpose_left, transpose_right, dtype, .. } = *problem;
        let edge = |squares: u32| (2 * matrices.edge() * squares) as usize;
        let tiles = |edge: usize| problem.batches * m.div_ceil(edge) * n.div_ceil(edge);
        let squares = match matrices {
            Matrices::Emulated(Emulation { squares, .. }) => squares,
            Matrices::Device { .. } if tiles(edge(4)) >= 64 => 4,
            Matrices::Device { .. } => 2,
        };
        let edge = edge(squares);
        let tile_k = matrices.tile_k(dtype, context.limits().max_compute_workgroup_storage_size);
        let mut tiling = Tiling::new([edge, edge], k).split_for(problem, 64);
        tiling.k_multiple = tile_k as usize;
        let vec4_y = problem.vec4_aligned()[2];
        let group_m = bands([m.div_ceil(edge), n.div_ceil(edge)]);
        launch::launch(context, problem, operands, activation, &tiling, false, |epilogue| {
            let fragments = [squares; 2];
            Spec {
                fragments,
                tile_k,
                transpose_left,
                transpose_right,
                vec4_y,
                group_m,
                matrices,
                dtype,
                epilogue,
            }
            .into()
        })
    }

    fn emulated(&self, emulation: Emulation) -> Option<Box<dyn Implementation>> {
        Some(Box::new(Self { emulation: Some(emulation) }))
    }
}
