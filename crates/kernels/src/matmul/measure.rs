//! Matrix products: operands, the definition at some elements, the contest.

use tilewright_runtime::{Context, Result};

use super::{
    algorithm::MatmulAlgorithm,
    problem::{Operands, Problem},
    registry::matmul_as,
    table::matmul_candidates,
};
use crate::{
    base::device::Device,
    contest::{
        run::{Candidate, Verdict, contest},
        sample::{Samples, operand},
        winner::winner,
    },
};

/// The definition takes part only below so many operations: above it never wins, and may take seconds.
const DEFINITION_MOST: u64 = 1 << 29;

/// The measured algorithm for `problem`, if one may be used.
pub(super) fn measured(context: &Context, problem: &Problem) -> Option<MatmulAlgorithm> {
    if problem.flops() == 0 {
        return None;
    }
    let key = format!("matmul {problem}, strides {} {}", problem.left_stride, problem.right_stride);
    let name = winner(context, &key, || measure(&context.eager(), problem))?;
    // A file may say anything; only what can run here does.
    matmul_candidates(&Device::of(context), problem).into_iter().find(|found| found.stem() == name)
}

fn measure(context: &Context, problem: &Problem) -> Result<Option<Verdict>> {
    let mut algorithms = matmul_candidates(&Device::of(context), problem);
    if problem.flops() > DEFINITION_MOST {
        algorithms.retain(|&algorithm| algorithm != MatmulAlgorithm::Naive);
    }
    if algorithms.len() < 2 {
        return Ok(None);
    }
    let Problem { batches, m, n, k, left_stride, right_stride, .. } = *problem;
    let a = operand((batches - 1) * left_stride + m * k, 1);
    let b = operand((batches - 1) * right_stride + k * n, 2);
    let upload = |values: &[f32]| context.upload(bytemuck::cast_slice(values));
    let [left, right] = [upload(&a)?, upload(&b)?];
    let samples = matmul_samples(problem, &a, &b);
    let output = context.alloc((batches * m * n * 4) as u64)?;
    let operands = Operands { left: &left, right: &right, bias: None, residual: None, y: &output };
    let candidates: Vec<_> = algorithms
        .into_iter()
        .map(|algorithm| {
            let run = move || matmul_as(context, algorithm, problem, &operands, None);
            Candidate { name: algorithm.stem(), run: Box::new(run) }
        })
        .collect();
    contest(context, &output, &samples, &candidates).map(Some)
}

/// Some elements of a product, by the definition.
pub fn matmul_samples(problem: &Problem, a: &[f32], b: &[f32]) -> Samples {
    let Problem { batches, m, n, k, transpose_left, transpose_right, left_stride, right_stride, .. } =
        *problem;
    Samples::new(batches * m * n, |index| {
        let (batch, row, column) = (index / (m * n), index / n % m, index % n);
        (0..k).fold((0.0, 0.0), |(value, magnitude), at| {
            let left = batch * left_stride + if transpose_left { at * m + row } else { row * k + at };
            let right =
                batch * right_stride + if transpose_right { column * k + at } else { at * n + column };
            let term = f64::from(a[left]) * f64::from(b[right]);
            (value + term, magnitude + term.abs())
        })
    })
}
