//! Trials of cooperative matrices: a product of known result, once, beside the plain kernel's.

use std::time::Instant;

use tilewright_ops::DType;
use tilewright_runtime::{Buffer, Context, Mode, Result};

use super::{
    algorithm::MatmulAlgorithm,
    problem::{Operands, Problem},
    registry::matmul_as,
    table::{LARGE, SMALL},
};
use crate::{
    base::{
        device::{Cooperative, Device},
        trials::{Trial, Use, keep, known},
    },
    elementwise::cast::cast,
};

/// The algorithm tried, and the plain one beside it.
const fn algorithms(which: Use) -> [MatmulAlgorithm; 2] {
    match which {
        Use::F16 | Use::F32 => [MatmulAlgorithm::Cooperative, MatmulAlgorithm::Vec4],
        Use::SplitF16 => [MatmulAlgorithm::SplitF16, MatmulAlgorithm::Vec4],
    }
}

/// Tries cooperative matrices, unless that is done or `problem` would not use them.
pub(crate) fn try_out(context: &Context, problem: &Problem) {
    let least = problem.m.min(problem.n).min(problem.k);
    match (problem.dtype, Device::of(context).cooperative) {
        (DType::F16, _) => try_use(context, Use::F16),
        (_, Cooperative::Present { edge: 8, .. }) if least >= SMALL => try_use(context, Use::F32),
        (_, Cooperative::Present { edge: 16, .. }) if least >= LARGE => try_use(context, Use::SplitF16),
        _ => {}
    }
}

/// Tries cooperative matrices for convolutions of `dtype`, unless that is done or there are none.
pub(crate) fn try_convolution(context: &Context, dtype: DType) {
    match (dtype, Device::of(context).cooperative) {
        (DType::F16, _) => try_use(context, Use::F16),
        (_, Cooperative::Present { edge: 8, .. }) => try_use(context, Use::F32),
        _ => {}
    }
}

/// What goes wrong is no fault of the operation that is about to run: it is the trial's outcome.
fn try_use(context: &Context, which: Use) {
    // Times in checked mode say nothing about the fast one.
    if Device::of(context).cooperative == Cooperative::Absent
        || context.mode() == Mode::Checked
        || known(context, which).is_some()
    {
        return;
    }
    // Commands of a recording would run with every replay.
    let trial = run(&context.eager(), which).unwrap_or_else(|error| Trial::Wrong(error.to_string()));
    tracing::info!(?which, ?trial, "tried cooperative matrices");
    keep(context, which, trial);
}

fn run(context: &Context, which: Use) -> Result<Trial> {
    let dtype = if which == Use::F16 { DType::F16 } else { DType::F32 };
    let problem = Problem { batches: 1, m: LARGE, n: LARGE, k: LARGE, dtype, ..Problem::default() };
    let (left, right) = (operand(context, dtype, 1)?, operand(context, dtype, 2)?);
    let [tried, plain] = algorithms(which);
    let (plain_ms, expected) = time(context, plain, &problem, &left, &right)?;
    let (tried_ms, actual) = match time(context, tried, &problem, &left, &right) {
        Ok(found) => found,
        Err(error) => return Ok(Trial::Wrong(error.to_string())),
    };
    let allowed = match which {
        // Multiples of 1/8 below 1: every product and every sum is exact in f32, whatever its order.
        Use::F16 => 0.0,
        // Half a unit in the last place of the sum of absolute products, or so. Without the low halves, or with factors
        // rounded to fewer bits, the largest difference is tens of times as large.
        Use::F32 | Use::SplitF16 => 3e-7 * LARGE as f32,
    };
    let differs =
        |(a, b): &(&f32, &f32)| (**a - **b).abs().partial_cmp(&allowed).is_none_or(|order| order.is_gt());
    let wrong = expected.iter().zip(&actual).filter(differs).count();
    Ok(if wrong > 0 {
        Trial::Wrong(format!("{wrong} of {} elements differ from the plain kernel's", expected.len()))
    } else {
        Trial::Right { plain_ms, tried_ms }
    })
}

/// A matrix of numbers in −7/8 … 7/8: multiples of 1/8 for f16, with all of a mantissa for f32.
fn operand(context: &Context, dtype: DType, seed: u32) -> Result<Buffer> {
    let count = LARGE * LARGE;
    let value = |i: u32| {
        let bits = i.wrapping_add(seed << 24).wrapping_mul(2_654_435_761);
        let mixed = (bits ^ (bits >> 15)).wrapping_mul(2_246_822_519) >> 8;
        match dtype {
            DType::F16 => (mixed % 15) as f32 / 8.0 - 0.875,
            _ => mixed as f32 * (1.75 / (1 << 24) as f32) - 0.875,
        }
    };
    let values: Vec<f32> = (0..count as u32).map(value).collect();
    let buffer = context.upload(bytemuck::cast_slice(&values))?;
    converted(context, buffer, DType::F32, dtype, count)
}

fn converted(context: &Context, x: Buffer, from: DType, to: DType, count: usize) -> Result<Buffer> {
    if from == to {
        return Ok(x);
    }
    let y = context.alloc((count * to.size()) as u64)?;
    cast(context, &x, from, &y, to, count).transpose()?;
    Ok(y)
}

/// The shortest of a few runs in milliseconds, and the result as f32.
fn time(
    context: &Context,
    algorithm: MatmulAlgorithm,
    problem: &Problem,
    left: &Buffer,
    right: &Buffer,
) -> Result<(f64, Vec<f32>)> {
    let count = problem.m * problem.n;
    let y = context.alloc((count * problem.dtype.size()) as u64)?;
    let operands = Operands { left, right, bias: None, residual: None, y: &y };
    let mut best = f64::INFINITY;
    // The first run compiles, the second warms up.
    for round in 0..7 {
        context.synchronize()?;
        let begun = Instant::now();
        for _ in 0..4 {
            matmul_as(context, algorithm, problem, &operands, None)?;
        }
        context.synchronize()?;
        if round >= 2 {
            best = best.min(begun.elapsed().as_secs_f64() * 1e3 / 4.0);
        }
    }
    let wide = converted(context, y, problem.dtype, DType::F32, count)?;
    Ok((best, bytemuck::pod_collect_to_vec(&context.read(&wide)?)))
}
