//! The choice on a context: what was measured there, where that was asked for, else what the table says.

use tilewright_ops::{DType, Pooling};
use tilewright_runtime::Context;

use super::{Choice, Device, PooledChoice};
use crate::{
    convolution::{Conv2dAlgorithm, Pass, Problem as ConvProblem},
    cooperative,
    matmul::{MatmulAlgorithm, Problem as MatmulProblem},
    tune,
};

const WHEN: &str = "measured";
const WHY: &str = "the quickest on this device of those that computed it rightly";

/// The algorithm for a pass of `problem` on this context: the measured one where the context's
/// [`Tuning`](tilewright_runtime::Tuning) has one, else [`super::conv2d`]'s.
pub fn conv2d_for(context: &Context, pass: Pass, problem: &ConvProblem) -> Choice<Conv2dAlgorithm> {
    cooperative::try_convolution(context, problem.dtype);
    measured(context, pass, problem, super::conv2d(&Device::of(context), pass, problem))
}

/// As [`conv2d_for`], for forward passes with a weight that is packed once.
pub fn conv2d_packed_for(context: &Context, problem: &ConvProblem) -> Choice<Conv2dAlgorithm> {
    cooperative::try_convolution(context, problem.dtype);
    // What is measured is a forward pass without its packing.
    measured(context, Pass::Forward, problem, super::conv2d_packed(&Device::of(context), problem))
}

/// The algorithm for a pass that runs again and again, as benches time it: forward with a weight that is packed once, as
/// [`conv2d_packed_for`], back as [`conv2d_for`].
pub fn conv2d_repeated_for(context: &Context, pass: Pass, problem: &ConvProblem) -> Choice<Conv2dAlgorithm> {
    match pass {
        Pass::Forward => conv2d_packed_for(context, problem),
        Pass::BackwardInput | Pass::BackwardWeight => conv2d_for(context, pass, problem),
    }
}

fn measured(
    context: &Context,
    pass: Pass,
    problem: &ConvProblem,
    table: Choice<Conv2dAlgorithm>,
) -> Choice<Conv2dAlgorithm> {
    if problem.dtype == DType::F16 {
        // The tuner's samples are f32.
        return table;
    }
    match tune::conv2d(context, pass, problem) {
        Some(algorithm) => Choice { algorithm, when: WHEN, why: WHY, kernel: algorithm.name(), ..table },
        None => table,
    }
}

/// As [`conv2d_packed_for`], where the result is pooled; `packed` says whether the weight is packed once.
pub fn conv2d_pooled_for(
    context: &Context,
    problem: &ConvProblem,
    pooling: &Pooling,
    packed: bool,
) -> PooledChoice {
    let conv = if packed {
        conv2d_packed_for(context, problem)
    } else {
        conv2d_for(context, Pass::Forward, problem)
    };
    PooledChoice::new(conv, problem, pooling)
}

/// The algorithm for `problem` on this context: the measured one where the context's
/// [`Tuning`](tilewright_runtime::Tuning) has one, else [`super::matmul`]'s.
pub fn matmul_for(context: &Context, problem: &MatmulProblem) -> Choice<MatmulAlgorithm> {
    cooperative::try_out(context, problem);
    let table = super::matmul(&Device::of(context), problem);
    if problem.dtype == DType::F16 {
        // The tuner's samples are f32.
        return table;
    }
    match tune::matmul(context, problem) {
        Some(algorithm) => Choice { algorithm, when: WHEN, why: WHY, kernel: algorithm.stem(), ..table },
        None => table,
    }
}
