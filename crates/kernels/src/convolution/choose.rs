//! The algorithm for a convolution on a context: what was measured there, where that was asked for, else what the table
//! says.

use tilewright_ops::{DType, Pooling};
use tilewright_runtime::Context;

use super::{
    algorithm::Conv2dAlgorithm,
    measure,
    problem::{Pass, Problem},
    table::{PooledChoice, conv2d, conv2d_packed},
};
use crate::{
    base::{
        choice::{Choice, MEASURED},
        device::Device,
    },
    matmul::trial::try_convolution,
};

/// The algorithm for a pass of `problem` on this context: the measured one where the context's
/// [`Tuning`](tilewright_runtime::Tuning) has one, else [`conv2d`]'s.
pub fn conv2d_for(context: &Context, pass: Pass, problem: &Problem) -> Choice<Conv2dAlgorithm> {
    try_convolution(context, problem.dtype);
    measured(context, pass, problem, conv2d(&Device::of(context), pass, problem))
}

/// As [`conv2d_for`], for forward passes with a weight that is packed once.
pub fn conv2d_packed_for(context: &Context, problem: &Problem) -> Choice<Conv2dAlgorithm> {
    try_convolution(context, problem.dtype);
    // What is measured is a forward pass without its packing.
    measured(context, Pass::Forward, problem, conv2d_packed(&Device::of(context), problem))
}

/// The algorithm for a pass that runs again and again, as benches time it: forward with a weight that is packed once, as
/// [`conv2d_packed_for`], back as [`conv2d_for`].
pub fn conv2d_repeated_for(context: &Context, pass: Pass, problem: &Problem) -> Choice<Conv2dAlgorithm> {
    match pass {
        Pass::Forward => conv2d_packed_for(context, problem),
        Pass::BackwardInput | Pass::BackwardWeight => conv2d_for(context, pass, problem),
    }
}

fn measured(
    context: &Context,
    pass: Pass,
    problem: &Problem,
    table: Choice<Conv2dAlgorithm>,
) -> Choice<Conv2dAlgorithm> {
    if problem.dtype == DType::F16 {
        // The tuner's samples are f32.
        return table;
    }
    match measure::measured(context, pass, problem) {
        Some(algorithm) => Choice {
            algorithm,
            when: MEASURED.0,
            why: MEASURED.1,
            kernel: algorithm.name(),
            caveat: algorithm.caveat(),
            ..table
        },
        None => table,
    }
}

/// As [`conv2d_packed_for`], where the result is pooled; `packed` says whether the weight is packed once.
pub fn conv2d_pooled_for(
    context: &Context,
    problem: &Problem,
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
