//! The algorithm for a product on a context: what was measured there, where that was asked for, else what the table says.

use tilewright_ops::DType;
use tilewright_runtime::Context;

use super::{algorithm::MatmulAlgorithm, measure::measured, problem::Problem, table::matmul, trial::try_out};
use crate::base::{
    choice::{Choice, MEASURED},
    device::Device,
};

/// The algorithm for `problem` on this context: the measured one where the context's
/// [`Tuning`](tilewright_runtime::Tuning) has one, else [`matmul`]'s.
pub fn matmul_for(context: &Context, problem: &Problem) -> Choice<MatmulAlgorithm> {
    try_out(context, problem);
    let table = matmul(&Device::of(context), problem);
    if problem.dtype == DType::F16 {
        // The tuner's samples are f32.
        return table;
    }
    match measured(context, problem) {
        Some(algorithm) => Choice {
            algorithm,
            when: MEASURED.0,
            why: MEASURED.1,
            kernel: algorithm.stem(),
            caveat: algorithm.caveat(),
            ..table
        },
        None => table,
    }
}
