//! `conv2d_implicit_gemm`, `conv2d_implicit_gemm_backward_input`, `conv2d_implicit_gemm_backward_weight`.

use tilewright_ops::UnaryOp;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{Operands, Pass, Problem, pack, problem::Params};
use crate::{
    epilogue::Epilogue,
    matmul::{Addends, Reduction, split_k_reduce},
    to_u32,
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
    /// The other operand is read by vec4.
    pub vec4: bool,
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
        kernel
            .with_u32("THREAD_M", spec.thread[0])
            .with_u32("THREAD_N", spec.thread[1])
            .with_u32("TILE_K", spec.tile_k)
            .with_bool(gathered, spec.vec4_gathered)
            .with_bool("VEC_N", spec.vec4)
    }
}

/// Workgroups that are enough to fill a GPU.
const ENOUGH: usize = 64;

impl Spec {
    /// The large tile where it leaves enough workgroups, in rows and columns of one group's product.
    fn new(pass: Pass, problem: &Problem, epilogue: Epilogue) -> Self {
        let [rows, columns] = extents(pass, problem);
        let [inputs, outputs] = problem.group_channels().map(|channels| channels.is_multiple_of(4));
        let large = rows.div_ceil(128) * columns.div_ceil(128) * problem.op.groups;
        // The sum of a weight gradient is split anyway.
        let large = columns > 64 && (large >= ENOUGH || (pass == Pass::BackwardWeight && rows > 64));
        let (thread, tile_k) = if large { ([8, 8], 8) } else { ([4, 4], 16) };
        let (vec4_gathered, vec4) = match pass {
            Pass::Forward | Pass::BackwardWeight => (inputs, outputs),
            Pass::BackwardInput => (outputs, inputs),
        };
        Self { pass, thread, tile_k, vec4_gathered, vec4, epilogue }
    }

    fn tiles(&self, problem: &Problem) -> usize {
        let [rows, columns] = extents(self.pass, problem);
        let [tile_m, tile_n] = self.thread.map(|extent| 16 * extent as usize);
        rows.div_ceil(tile_m) * columns.div_ceil(tile_n) * problem.op.groups
    }
}

/// M and N of a group's product.
fn extents(pass: Pass, problem: &Problem) -> [usize; 2] {
    let [inputs, outputs] = problem.group_channels();
    let [n, _, h, w] = problem.x_shape;
    match pass {
        Pass::Forward => [problem.y_pixels(), outputs],
        Pass::BackwardInput => [n * h * w, inputs],
        Pass::BackwardWeight => [problem.terms(), outputs],
    }
}

pub(super) fn forward(
    context: &Context,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
) -> Result<()> {
    let op = Pass::Forward.name();
    let Operands { x, weight, bias, residual, y } = *operands;
    let packed = weight.packed(context, problem, pack::inputs_by_outputs)?;
    let spec = Spec::new(Pass::Forward, problem, Epilogue::new(bias, residual, activation));
    let params = problem.params(op, spec.tiles(problem), activation)?;
    launch(context, spec, &params, &[x, &packed, bias.unwrap_or(&packed), residual.unwrap_or(&packed), y])
}

pub(super) fn backward_input(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    weight: &Buffer,
    grad_x: &Buffer,
) -> Result<()> {
    let op = Pass::BackwardInput.name();
    let packed = pack::outputs_by_inputs(context, op, problem, weight)?;
    let spec = Spec::new(Pass::BackwardInput, problem, Epilogue::default());
    let params = problem.params(op, spec.tiles(problem), None)?;
    launch(context, spec, &params, &[grad_y, &packed, grad_x])
}

pub(super) fn backward_weight(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    x: &Buffer,
    grad_weight: &Buffer,
) -> Result<()> {
    let op = Pass::BackwardWeight.name();
    let (pixels, count) = (problem.y_pixels(), problem.w_count());
    let spec = Spec::new(Pass::BackwardWeight, problem, Epilogue::default());
    let tiles = spec.tiles(problem);
    // Parts of at least 256 pixels until there are enough workgroups; none so long that its sum loses digits.
    let splits = (2 * ENOUGH).div_ceil(tiles).min(pixels.div_ceil(256)).max(pixels.div_ceil(16_384));
    let chunk = pixels.div_ceil(splits).next_multiple_of(spec.tile_k as usize);
    let splits = pixels.div_ceil(chunk);
    to_u32(op, count * splits)?;
    let mut params = problem.params(op, tiles * splits, None)?;
    params.chunk = to_u32(op, chunk)?;
    let partials = context.alloc((count * splits * 4) as u64)?;
    launch(context, spec, &params, &[grad_y, x, &partials])?;
    if splits == 1 {
        return pack::from_inputs_by_outputs(context, op, problem, &partials, grad_weight);
    }
    let packed = context.alloc((count * 4) as u64)?;
    let reduction = Reduction { count, splits, bias_inner: 1, bias_period: 1, accumulate: false };
    split_k_reduce(context, op, &reduction, &partials, Addends::default(), &packed, None)?;
    pack::from_inputs_by_outputs(context, op, problem, &packed, grad_weight)
}

fn launch(context: &Context, spec: Spec, params: &Params, buffers: &[&Buffer]) -> Result<()> {
    let dispatch = Dispatch {
        op: spec.pass.name(),
        params: bytemuck::bytes_of(params),
        buffers,
        groups: u64::from(params.count),
    };
    context.dispatch(&spec.into(), &dispatch)
}
