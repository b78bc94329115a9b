//! Convolutions: operands, the definition at some elements, the contest.

use tilewright_ops::Conv2d;
use tilewright_runtime::{Buffer, Context, Result};

use super::{
    algorithm::Conv2dAlgorithm,
    call::Conv2dLaunch,
    problem::{Pass, Problem},
    registry::{backward_input_as, backward_weight_as, forward_as, pack_as},
    table::{conv2d_candidates, conv2d_packed},
    weight::Weight,
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

/// The measured algorithm for a pass of `problem`, if one may be used.
pub(super) fn measured(context: &Context, pass: Pass, problem: &Problem) -> Option<Conv2dAlgorithm> {
    let empty = problem.x_count() == 0 || problem.w_count() == 0 || problem.y_count() == 0;
    if empty {
        return None;
    }
    let key = format!("{} {problem}", pass.name());
    let name = winner(context, &key, || measure(&context.eager(), pass, problem))?;
    // A file may say anything; only what can run here does.
    conv2d_candidates(&Device::of(context), pass, problem).into_iter().find(|found| found.name() == name)
}

fn measure(context: &Context, pass: Pass, problem: &Problem) -> Result<Option<Verdict>> {
    let algorithms = candidates(context, pass, problem);
    if algorithms.len() < 2 { Ok(None) } else { run(context, pass, problem, algorithms).map(Some) }
}

/// Validates and times the candidates for a pass of `problem`, or only the one named, whatever the context's tuning; a
/// forward pass with its weight packed before. Nothing is remembered.
///
/// # Errors
/// Those of the device, its memory among them. A candidate that is wrong is no error, but in [`Verdict::rejected`].
pub fn measure_conv2d(
    context: &Context,
    pass: Pass,
    problem: &Problem,
    only: Option<Conv2dAlgorithm>,
) -> Result<Verdict> {
    let algorithms = only.map_or_else(|| candidates(context, pass, problem), |algorithm| vec![algorithm]);
    run(context, pass, problem, algorithms)
}

/// What takes part: everything that can run it, the table's choice first.
fn candidates(context: &Context, pass: Pass, problem: &Problem) -> Vec<Conv2dAlgorithm> {
    let device = Device::of(context);
    let mut algorithms = conv2d_candidates(&device, pass, problem);
    if pass == Pass::Forward {
        // What is timed has its weight packed.
        let first = conv2d_packed(&device, problem).algorithm;
        algorithms.sort_by_key(|algorithm| *algorithm != first);
    }
    if problem.flops() > DEFINITION_MOST && algorithms.len() > 1 {
        algorithms.retain(|&algorithm| algorithm != Conv2dAlgorithm::Direct);
    }
    algorithms
}

fn run(
    context: &Context,
    pass: Pass,
    problem: &Problem,
    algorithms: Vec<Conv2dAlgorithm>,
) -> Result<Verdict> {
    let x = operand(problem.x_count(), 1);
    let w = operand(problem.w_count(), 2);
    let g = operand(problem.y_count(), 3);
    let upload = |values: &[f32]| context.upload(bytemuck::cast_slice(values));
    let [x_buffer, w_buffer, g_buffer] = [upload(&x)?, upload(&w)?, upload(&g)?];
    let count = result_count(pass, problem);
    let samples = conv2d_samples(pass, problem, [&x, &w, &g]);
    let output = context.alloc((count * 4) as u64)?;
    let buffers = [&x_buffer, &w_buffer, &g_buffer, &output];
    let candidates: Vec<_> = algorithms
        .into_iter()
        .map(|algorithm| candidate(context, pass, problem, buffers, algorithm))
        .collect();
    contest(context, &output, &samples, &candidates)
}

/// Elements of a pass's result.
fn result_count(pass: Pass, problem: &Problem) -> usize {
    match pass {
        Pass::Forward => problem.y_count(),
        Pass::BackwardInput => problem.x_count(),
        Pass::BackwardWeight => problem.w_count(),
    }
}

/// Some elements of a pass's result, by their place in memory, by the definition. The operands are x and grad_y in N H W
/// C, and the weight in O C/groups KH KW.
pub fn conv2d_samples(pass: Pass, problem: &Problem, [x, w, grad_y]: [&[f32]; 3]) -> Samples {
    Samples::new(result_count(pass, problem), |index| match pass {
        Pass::Forward => forward_element(problem, x, w, index),
        Pass::BackwardInput => input_element(problem, grad_y, w, index),
        Pass::BackwardWeight => weight_element(problem, grad_y, x, index),
    })
}

fn candidate<'a>(
    context: &'a Context,
    pass: Pass,
    problem: &'a Problem,
    [x, weight, grad_y, output]: [&'a Buffer; 4],
    algorithm: Conv2dAlgorithm,
) -> Candidate<'a> {
    // An inference packs once; so the packing is not timed.
    let packed = (pass == Pass::Forward).then(|| pack_as(context, algorithm, problem, weight));
    let run = move || match pass {
        Pass::Forward => {
            let weight = match &packed {
                Some(Ok(packed)) => Weight::Packed(packed),
                Some(Err(error)) => return Err(error.clone()),
                None => Weight::Plain(weight),
            };
            forward_as(context, algorithm, &Conv2dLaunch::new(problem, x, weight), output)
        }
        Pass::BackwardInput => backward_input_as(context, algorithm, problem, grad_y, weight, output),
        Pass::BackwardWeight => backward_weight_as(context, algorithm, problem, grad_y, x, output),
    };
    Candidate { name: algorithm.name(), run: Box::new(run) }
}

/// A sum of products and the sum of their magnitudes.
fn sum(terms: impl Iterator<Item = f64>) -> (f64, f64) {
    terms.fold((0.0, 0.0), |(value, magnitude), term| (value + term, magnitude + term.abs()))
}

/// The input's row or column that tap `tap` of output `at` reads.
fn source(op: &Conv2d, axis: usize, at: usize, tap: usize, extent: usize) -> Option<usize> {
    (at * op.stride[axis] + tap * op.dilation[axis]).checked_sub(op.padding[axis]).filter(|&i| i < extent)
}

/// n, h, w, c of an element of a channels-last tensor of shape N C H W.
fn place(index: usize, [_, c, h, w]: [usize; 4]) -> [usize; 4] {
    [index / (c * w * h), index / (c * w) % h, index / c % w, index % c]
}

fn at([_, c, h, w]: [usize; 4], [n, row, column, channel]: [usize; 4]) -> usize {
    ((n * h + row) * w + column) * c + channel
}

fn forward_element(problem: &Problem, x: &[f32], w: &[f32], index: usize) -> (f64, f64) {
    let Problem { op, x_shape, w_shape: [outputs, inputs, rows, columns], y_shape, .. } = problem;
    let [n, oh, ow, o] = place(index, *y_shape);
    let first = o / (outputs / op.groups) * inputs;
    sum((0..rows * columns).flat_map(|tap| {
        let (row, column) = (tap / columns, tap % columns);
        let found = source(op, 0, oh, row, x_shape[2]).zip(source(op, 1, ow, column, x_shape[3]));
        found.into_iter().flat_map(move |(h, v)| {
            (0..*inputs).map(move |i| {
                let a = x[at(*x_shape, [n, h, v, first + i])];
                let b = w[((o * inputs + i) * rows + row) * columns + column];
                f64::from(a) * f64::from(b)
            })
        })
    }))
}

fn input_element(problem: &Problem, g: &[f32], w: &[f32], index: usize) -> (f64, f64) {
    let Problem { op, x_shape, w_shape: [outputs, inputs, rows, columns], y_shape, .. } = problem;
    let [n, h, v, c] = place(index, *x_shape);
    let (group, i) = (c / inputs, c % inputs);
    let filters = outputs / op.groups;
    // The output's row or column whose tap `tap` reads `at`.
    let target = |axis: usize, at: usize, tap: usize, extent: usize| {
        let shifted = (at + op.padding[axis]).checked_sub(tap * op.dilation[axis])?;
        let found = shifted / op.stride[axis];
        (shifted.is_multiple_of(op.stride[axis]) && found < extent).then_some(found)
    };
    sum((0..rows * columns).flat_map(|tap| {
        let (row, column) = (tap / columns, tap % columns);
        let found = target(0, h, row, y_shape[2]).zip(target(1, v, column, y_shape[3]));
        found.into_iter().flat_map(move |(oh, ow)| {
            (group * filters..(group + 1) * filters).map(move |o| {
                let a = g[at(*y_shape, [n, oh, ow, o])];
                let b = w[((o * inputs + i) * rows + row) * columns + column];
                f64::from(a) * f64::from(b)
            })
        })
    }))
}

fn weight_element(problem: &Problem, g: &[f32], x: &[f32], index: usize) -> (f64, f64) {
    let Problem { op, x_shape, w_shape: [outputs, inputs, rows, columns], y_shape, .. } = problem;
    let (column, row) = (index % columns, index / columns % rows);
    let (i, o) = (index / (columns * rows) % inputs, index / (columns * rows * inputs));
    let channel = o / (outputs / op.groups) * inputs + i;
    let [batch, _, oh, ow] = *y_shape;
    sum((0..batch * oh * ow).filter_map(|pixel| {
        let (n, up, left) = (pixel / (oh * ow), pixel / ow % oh, pixel % ow);
        let h = source(op, 0, up, row, x_shape[2])?;
        let v = source(op, 1, left, column, x_shape[3])?;
        let a = g[at(*y_shape, [n, up, left, o])];
        let b = x[at(*x_shape, [n, h, v, channel])];
        Some(f64::from(a) * f64::from(b))
    }))
}
