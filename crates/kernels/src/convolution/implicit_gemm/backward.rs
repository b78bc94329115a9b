//! `conv2d_implicit_gemm_backward_input`, `conv2d_implicit_gemm_backward_weight`.

use tilewright_runtime::{Buffer, Context, Result};

use super::{
    spec::Spec,
    work::{ENOUGH, Work, launch, partials},
};
use crate::{
    base::numbers::to_u32,
    convolution::{
        pack,
        problem::{Pass, Problem},
    },
    matmul::split_k_reduce::{Addends, Reduction, split_k_reduce},
};

pub(super) fn backward_input(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    weight: &Buffer,
    grad_x: &Buffer,
) -> Result<()> {
    let pass = Pass::BackwardInput;
    let op = pass.name();
    let packed = pack::outputs_by_inputs(context, op, problem, weight)?;
    let spec = Spec::new(context, pass, problem);
    let work = Work::new(pass, problem, spec.tile(), spec.tile_k as usize, ENOUGH);
    let params = work.params(pass, problem, None)?;
    let (count, splits) = (problem.x_count(), work.splits);
    let partials = partials(context, op, count, splits)?;
    let result = partials.as_ref().unwrap_or(grad_x);
    launch(context, op, &spec.into(), &params, &[grad_y, &packed, result])?;
    let Some(partials) = partials else { return Ok(()) };
    let reduction = Reduction { count, splits, bias_inner: 1, bias_period: 1, accumulate: false };
    split_k_reduce(context, op, &reduction, &partials, Addends::default(), grad_x, None)
}

pub(super) fn backward_weight(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    x: &Buffer,
    grad_weight: &Buffer,
) -> Result<()> {
    let pass = Pass::BackwardWeight;
    let op = pass.name();
    let count = problem.w_count();
    let spec = Spec::new(context, pass, problem);
    let work = Work::new(pass, problem, spec.tile(), spec.tile_k as usize, 2 * ENOUGH);
    let splits = work.splits;
    to_u32(op, count * splits)?;
    let params = work.params(pass, problem, None)?;
    let partials = context.alloc((count * splits * 4) as u64)?;
    launch(context, op, &spec.into(), &params, &[grad_y, x, &partials])?;
    if splits == 1 {
        return pack::from_inputs_by_outputs(context, op, problem, &partials, grad_weight);
    }
    let packed = context.alloc((count * 4) as u64)?;
    let reduction = Reduction { count, splits, bias_inner: 1, bias_period: 1, accumulate: false };
    split_k_reduce(context, op, &reduction, &partials, Addends::default(), &packed, None)?;
    pack::from_inputs_by_outputs(context, op, problem, &packed, grad_weight)
}
