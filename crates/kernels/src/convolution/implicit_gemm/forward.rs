//! `conv2d_implicit_gemm`, and the second pass of forward kernels whose sums are split.

use tilewright_ops::{DType, PoolKind, Pooling};
use tilewright_runtime::{Buffer, Context, Result};
use tilewright_shaders::Specialisation;

use super::{
    spec::{Spec, tiles},
    work::{ENOUGH, Params, Work, launch, partials},
};
use crate::{
    base::{
        epilogue::{Epilogue, Windows},
        magic::{magic, to_numerator},
    },
    convolution::{
        call::Conv2dLaunch,
        geometry::Geometry,
        problem::{Pass, Problem},
    },
    matmul::split_k_reduce::{Addends, Reduction, split_k_reduce_to},
};

/// Runs a forward kernel whose operands are packed, and the second pass where its sums are split. `kernel` makes the
/// specialisation for the epilogue that the first pass does itself.
pub(crate) fn run_forward(
    context: &Context,
    call: &Conv2dLaunch<'_>,
    y: &Buffer,
    packed: &Buffer,
    work: &Work,
    kernel: impl Fn(Epilogue) -> Specialisation,
) -> Result<()> {
    let op = Pass::Forward.name();
    let Conv2dLaunch { problem, x, bias, residual, activation, .. } = call;
    let params = work.params(Pass::Forward, problem, *activation)?;
    let count = problem.y_count();
    let partials = partials(context, op, count, work.splits)?;
    let kernel = match &partials {
        Some(_) => kernel(Epilogue::default()),
        None => kernel(call.epilogue(y)),
    };
    let narrow = problem.dtype == DType::F16 && partials.is_none();
    let kernel = if narrow { kernel.with_type("Output", "f16") } else { kernel };
    let result = partials.as_ref().unwrap_or(y);
    let [bound_bias, bound_residual] = call.addends(y, packed);
    let buffers = [x, packed, bound_bias, bound_residual, result];
    launch(context, op, &kernel, &params, &buffers)?;
    let Some(partials) = partials else { return Ok(()) };
    let (splits, period) = (work.splits, problem.y_shape[1]);
    let reduction = Reduction { count, splits, bias_inner: 1, bias_period: period, accumulate: false };
    let addends = Addends { bias: *bias, residual: *residual };
    split_k_reduce_to(problem.dtype, context, op, &reduction, &partials, addends, y, *activation)
}

/// The convolution with what is added and applied to its sums.
pub(super) fn forward(context: &Context, call: &Conv2dLaunch<'_>, y: &Buffer, packed: &Buffer) -> Result<()> {
    let problem = &call.problem;
    let spec = Spec::new(context, Pass::Forward, problem);
    let work = Work::new(Pass::Forward, problem, spec.tile(), spec.tile_k as usize, ENOUGH);
    run_forward(context, call, y, packed, &work, |epilogue| Spec { epilogue, ..spec }.into())
}

/// `problem` with as many rows and columns of y as windows cover.
fn covered(problem: &Problem, windows: Windows) -> Problem {
    let mut covered = *problem;
    for (extent, size) in covered.y_shape[2..].iter_mut().zip(windows.size) {
        *extent -= *extent % size as usize;
    }
    covered
}

/// Whether a thread holds whole windows of finished sums: it has four rows side by side, and sums that are not split.
pub(super) fn pools(problem: &Problem, windows: Windows, pooling: &Pooling) -> bool {
    let covered = covered(problem, windows);
    let (thread, tile_k) = tiles(Pass::Forward, &covered);
    let tile = thread.map(|extent| 16 * extent as usize);
    let mean = pooling.kind == PoolKind::Max || pooling.divisor() == 4;
    problem.dtype == DType::F32
        && windows.pixels() == 4
        && mean
        && Work::new(Pass::Forward, &covered, tile, tile_k as usize, ENOUGH).splits == 1
}

/// With the windows stored in place of their pixels, where [`pools`] says yes.
pub(super) fn forward_pooled(
    context: &Context,
    call: &Conv2dLaunch<'_>,
    y: &Buffer,
    packed: &Buffer,
    windows: Windows,
) -> Result<()> {
    let op = Pass::Forward.name();
    let problem = &call.problem;
    let covered = covered(problem, windows);
    let spec = Spec { epilogue: call.epilogue(y), ..Spec::new(context, Pass::Forward, &covered) };
    let work = Work::new(Pass::Forward, &covered, spec.tile(), spec.tile_k as usize, ENOUGH);
    let [_, _, height, width] = covered.y_shape;
    let [rows, columns] = [height / windows.size[0] as usize, width / windows.size[1] as usize];
    let params = Params {
        // A residual has the pixels that no window covers, too.
        y_strides: Geometry::new(op, problem)?.strides()[1],
        by_width: magic(to_numerator(op, columns)?),
        by_image: magic(to_numerator(op, rows * columns)?),
        ..work.params(Pass::Forward, &covered, call.activation)?
    };
    let [bias, residual] = call.addends(y, packed);
    let buffers = [call.x, packed, bias, residual, y];
    launch(context, op, &spec.into(), &params, &buffers)
}
