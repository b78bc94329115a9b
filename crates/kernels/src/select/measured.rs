//! The choice on a context: what was measured there, where that was asked for, else what the table says.

use tilewright_runtime::Context;

use super::{Choice, Device};
use crate::{
    convolution::{Conv2dAlgorithm, Pass, Problem as ConvProblem},
    matmul::{MatmulAlgorithm, Problem as MatmulProblem},
    tune,
};

const WHEN: &str = "measured";
const WHY: &str = "the quickest on this device of those that computed it rightly";

/// The algorithm for a pass of `problem` on this context: the measured one where the context's
/// [`Tuning`](tilewright_runtime::Tuning) has one, else [`super::conv2d`]'s.
pub fn conv2d_for(context: &Context, pass: Pass, problem: &ConvProblem) -> Choice<Conv2dAlgorithm> {
    let table = super::conv2d(&Device::of(context), pass, problem);
    match tune::conv2d(context, pass, problem) {
        Some(algorithm) => Choice { algorithm, when: WHEN, why: WHY, kernel: algorithm.name(), ..table },
        None => table,
    }
}

/// The algorithm for `problem` on this context: the measured one where the context's
/// [`Tuning`](tilewright_runtime::Tuning) has one, else [`super::matmul`]'s.
pub fn matmul_for(context: &Context, problem: &MatmulProblem) -> Choice<MatmulAlgorithm> {
    let table = super::matmul(&Device::of(context), problem);
    match tune::matmul(context, problem) {
        Some(algorithm) => Choice { algorithm, when: WHEN, why: WHY, kernel: algorithm.stem(), ..table },
        None => table,
    }
}
