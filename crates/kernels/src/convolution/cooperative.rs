//! `conv2d_cooperative`.

use tilewright_ops::DType;
use tilewright_runtime::{Buffer, Context, Result};
use tilewright_shaders::Specialisation;

use super::{
    call::Conv2dLaunch,
    implementation::{FORWARD_ONLY, Implementation},
    implicit_gemm::{
        forward::run_forward,
        work::{Work, extents},
    },
    pack,
    problem::{Pass, Problem},
};
use crate::base::{
    device::{Cooperative as Units, Device},
    epilogue::Epilogue,
    matrices::{ABSENT, Emulation, Matrices},
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

/// Implicit GEMM by the device's matrix units.
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

    fn obstacle(&self, device: &Device, pass: Pass, problem: &Problem) -> Option<&'static str> {
        let [inputs, outputs] = problem.group_channels();
        let edge = self.matrices(device).edge();
        match problem.dtype {
            _ if self.emulation.is_none() && device.cooperative == Units::Absent => Some(ABSENT),
            _ if pass != Pass::Forward => Some(FORWARD_ONLY),
            DType::F16 if !device.f16 => Some("the device has no f16 in shaders"),
            DType::F32 if edge != 8 => Some("it takes f16; f32 by matrices of 8 × 8, as Metal has them"),
            dtype if device.max_workgroup_bytes < Matrices::workgroup_bytes(edge, dtype, 16) => {
                Some("it needs 32 KiB of workgroup memory")
            }
            _ if problem.y_count() == 0 || problem.terms() == 0 => Some("an extent is zero"),
            _ if !inputs.is_multiple_of(4) || !outputs.is_multiple_of(4) => {
                Some("it needs groups of whole vec4s of channels")
            }
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

    fn pack(&self, context: &Context, problem: &Problem, weight: &Buffer) -> Result<Buffer> {
        pack::inputs_by_outputs(context, Pass::Forward.name(), problem, weight)
    }

    fn forward(&self, context: &Context, call: &Conv2dLaunch<'_>, y: &Buffer) -> Result<()> {
        let problem = &call.problem;
        let matrices = self.matrices(&Device::of(context));
        let packed = call.weight.packed(|weight| self.pack(context, problem, weight))?;
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
        run_forward(context, call, y, &packed, &work, |epilogue| {
            Spec { fragments, tile_k, matrices, dtype: problem.dtype, epilogue }.into()
        })
    }

    fn emulated(&self, emulation: Emulation) -> Option<Box<dyn Implementation>> {
        Some(Box::new(Self { emulation: Some(emulation) }))
    }
}
