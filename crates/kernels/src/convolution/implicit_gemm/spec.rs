//! What the implicit GEMM kernels are compiled for.

use tilewright_ops::DType;
use tilewright_runtime::Context;
use tilewright_shaders::Specialisation;

use super::work::{ENOUGH, extents};
use crate::{
    base::epilogue::Epilogue,
    convolution::problem::{Pass, Problem},
};

/// What the implicit GEMM kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// Which kernel.
    pub pass: Pass,
    /// Rows and columns of the product that a thread sums in registers; 16 × 16 threads share a tile.
    pub thread: [u32; 2],
    /// Step along the sum.
    pub tile_k: u32,
    /// The gathered operand is read by vec4 of channels.
    pub vec4_gathered: bool,
    /// The other operand is read, and the result written, by vec4.
    pub vec4: bool,
    /// vec4s between rows of the tiles, for the banks.
    pub pad: u32,
    /// The type of the operands of a forward pass.
    pub dtype: DType,
    /// Bias and activation, of the forward pass.
    pub epilogue: Epilogue,
}

impl From<Spec> for Specialisation {
    fn from(spec: Spec) -> Self {
        let (kernel, gathered) = match spec.pass {
            Pass::Forward => (spec.epilogue.specialise(Self::new("conv2d_implicit_gemm")), "VEC_K"),
            Pass::BackwardInput => (Self::new("conv2d_implicit_gemm_backward_input"), "VEC_K"),
            Pass::BackwardWeight => (Self::new("conv2d_implicit_gemm_backward_weight"), "VEC_M"),
        };
        let kernel = if spec.dtype == DType::F16 { kernel.with_type("Operand", "f16") } else { kernel };
        let kernel = match spec.pass {
            Pass::BackwardWeight => kernel,
            _ => kernel.with_u32("PAD", spec.pad),
        };
        kernel
            .with_u32("THREAD_M", spec.thread[0])
            .with_u32("THREAD_N", spec.thread[1])
            .with_u32("TILE_K", spec.tile_k)
            .with_bool(gathered, spec.vec4_gathered)
            .with_bool("VEC_N", spec.vec4)
    }
}

impl Spec {
    /// The large tile where it leaves enough workgroups, in rows and columns of one group's product.
    pub(super) fn new(context: &Context, pass: Pass, problem: &Problem) -> Self {
        let [inputs, outputs] = problem.group_channels().map(|channels| channels.is_multiple_of(4));
        let (thread, tile_k) = tiles(pass, problem);
        let (vec4_gathered, vec4) = match pass {
            Pass::Forward | Pass::BackwardWeight => (inputs, outputs),
            Pass::BackwardInput => (outputs, inputs),
        };
        // A row of four k is 16 · TILE bytes; a device with no more than 16 KiB has no room to keep rows apart.
        let room = context.limits().max_compute_workgroup_storage_size >= 16_640;
        let pad = if room { 32 / tile_k } else { 0 };
        let epilogue = Epilogue::default();
        Self { pass, thread, tile_k, vec4_gathered, vec4, pad, dtype: problem.dtype, epilogue }
    }

    pub(super) fn tile(&self) -> [usize; 2] {
        self.thread.map(|extent| 16 * extent as usize)
    }
}

/// Rows and columns of a thread, and the step along the sum.
pub(super) fn tiles(pass: Pass, problem: &Problem) -> ([u32; 2], u32) {
    let [rows, columns, _] = extents(pass, problem);
    let large = rows.div_ceil(128) * columns.div_ceil(128) * problem.op.groups;
    // The sum of a weight gradient is split anyway.
    let large = columns > 64 && (large >= ENOUGH || (pass == Pass::BackwardWeight && rows > 64));
    if large { ([8, 8], 8) } else { ([4, 4], 16) }
}
