//! `tilewright kernels bench`: every algorithm that can run an operation at a shape, validated, then timed.

use std::time::Instant;

use serde::Serialize;
use serde_json::json;
use tilewright_kernels::{
    convolution::{Pass, Problem as ConvProblem},
    matmul::Problem as MatmulProblem,
    select::{self, Device},
};
use tilewright_ops::{Conv2d, MatMul};
use tilewright_reference::{compare::relative_error, convolution, matmul};
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

use crate::{Error, Result, commands::print_json};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum PassName {
    Forward,
    BackwardInput,
    BackwardWeight,
}

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    op: Op,
    /// Timed runs of each algorithm.
    #[arg(long, global = true, default_value_t = 20, value_name = "N")]
    repeat: usize,
    /// Fail if the table's choice is more than 10 % slower than the best.
    #[arg(long, global = true)]
    assert: bool,
    /// Run only the table's choice, not every candidate.
    #[arg(long, global = true, conflicts_with = "assert")]
    chosen: bool,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Op {
    /// Every kernel that is bound by memory, beside the device's own copy of as many bytes.
    Memory(super::memory::Arguments),
    /// A matrix product.
    Matmul {
        /// M×N×K, such as 512x512x512.
        #[arg(long, value_parser = extents::<3>, value_name = "MxNxK")]
        shape: [usize; 3],
        /// The left operand is stored K×M.
        #[arg(long)]
        transpose_left: bool,
        /// The right operand is stored N×K.
        #[arg(long)]
        transpose_right: bool,
    },
    /// A convolution.
    Conv2d {
        /// The input, N×C×H×W, such as 1x64x56x56.
        #[arg(long, value_parser = extents::<4>, value_name = "NxCxHxW")]
        shape: [usize; 4],
        /// The weight, O×I×KH×KW, such as 64x64x3x3; I is the channels of a group.
        #[arg(long, value_parser = extents::<4>, value_name = "OxIxKHxKW")]
        weight: [usize; 4],
        /// On both axes.
        #[arg(long, default_value_t = 1)]
        stride: usize,
        /// On both axes.
        #[arg(long, default_value_t = 0)]
        padding: usize,
        /// On both axes.
        #[arg(long, default_value_t = 1)]
        dilation: usize,
        /// Groups of channels.
        #[arg(long, default_value_t = 1)]
        groups: usize,
        /// Which of the three convolutions of training.
        #[arg(long, value_enum, default_value = "forward")]
        pass: PassName,
    },
}

/// Reads `1x64x56x56`.
fn extents<const N: usize>(text: &str) -> std::result::Result<[usize; N], String> {
    let parts: std::result::Result<Vec<usize>, _> = text.split(['x', ',', '×']).map(str::parse).collect();
    let parts = parts.map_err(|_| format!("`{text}` is not {N} numbers with x between them"))?;
    parts.try_into().map_err(|_| format!("`{text}` is not {N} numbers with x between them"))
}

/// How much to run.
#[derive(Clone, Copy, Debug)]
struct Runs {
    /// Timed runs of each algorithm.
    repeat: usize,
    /// How many algorithms, counted from the table's choice.
    candidates: usize,
}

/// One algorithm's result.
#[derive(Debug, Serialize)]
struct Row {
    algorithm: String,
    chosen: bool,
    /// max |difference| / max |expected| against the scalar reference.
    error: f64,
    median_ms: f64,
    min_ms: f64,
    gflops: f64,
}

pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    if arguments.repeat == 0 {
        return Err(Error::Argument { argument: "--repeat", reason: "it must be at least 1".to_owned() });
    }
    let runs = Runs { repeat: arguments.repeat, candidates: if arguments.chosen { 1 } else { usize::MAX } };
    let (what, rows) = match &arguments.op {
        Op::Memory(memory) => return super::memory::run(memory, arguments.repeat, arguments.json, context),
        Op::Matmul { shape, transpose_left, transpose_right } => {
            let op = MatMul { transpose_left: *transpose_left, transpose_right: *transpose_right };
            bench_matmul(context, *shape, op, runs)?
        }
        Op::Conv2d { shape, weight, stride, padding, dilation, groups, pass } => {
            let op = Conv2d {
                stride: [*stride; 2],
                padding: [*padding; 2],
                dilation: [*dilation; 2],
                groups: *groups,
            };
            let pass = match pass {
                PassName::Forward => Pass::Forward,
                PassName::BackwardInput => Pass::BackwardInput,
                PassName::BackwardWeight => Pass::BackwardWeight,
            };
            bench_conv2d(context, *shape, *weight, op, pass, runs)?
        }
    };
    let info = context.adapter_info();
    if arguments.json {
        print_json(&json!({"what": what, "device": info.name, "driver": info.driver_info, "rows": rows}));
    } else {
        println!("{what}");
        println!("{} ({})", info.name, info.driver_info);
        println!(
            "  {:<24} {:>10} {:>10} {:>10} {:>10}",
            "algorithm", "median ms", "min ms", "GFLOP/s", "error"
        );
        for row in &rows {
            let mark = if row.chosen { "*" } else { " " };
            let Row { algorithm, median_ms, min_ms, gflops, error, .. } = row;
            println!("{mark} {algorithm:<24} {median_ms:>10.3} {min_ms:>10.3} {gflops:>10.2} {error:>10.1e}");
        }
        println!("* is what kernels::select picks");
    }
    let best = rows.iter().map(|row| row.median_ms).fold(f64::INFINITY, f64::min);
    match rows.iter().find(|row| row.chosen) {
        Some(row) if arguments.assert && row.median_ms > 1.1 * best => Err(Error::Check(format!(
            "the table picks {} with {:.3} ms, and the best takes {best:.3} ms",
            row.algorithm, row.median_ms
        ))),
        _ => Ok(()),
    }
}

fn bench_matmul(
    context: &Context,
    [m, n, k]: [usize; 3],
    op: MatMul,
    runs: Runs,
) -> Result<(String, Vec<Row>)> {
    let left = if op.transpose_left { [k, m] } else { [m, k] };
    let right = if op.transpose_right { [n, k] } else { [k, n] };
    let ((a, a_values), (b, b_values)) = (operand(context, &left, 1)?, operand(context, &right, 2)?);
    let problem = MatmulProblem {
        batches: 1,
        m,
        n,
        k,
        transpose_left: op.transpose_left,
        transpose_right: op.transpose_right,
        ..MatmulProblem::default()
    };
    op.output_shape(&left, &right)?;
    let expected = matmul::matmul(op, &a_values, &left, &b_values, &right);
    let mut rows = Vec::new();
    let candidates = select::matmul_candidates(&Device::of(context), &problem);
    for (at, algorithm) in candidates.into_iter().take(runs.candidates).enumerate() {
        let work = || Ok(a.matmul_as(&b, &op, None, None, Some(algorithm))?);
        rows.push(time(context, algorithm.stem(), at == 0, &expected, problem.flops(), runs.repeat, work)?);
    }
    Ok((format!("matmul of {problem}"), rows))
}

fn bench_conv2d(
    context: &Context,
    x_shape: [usize; 4],
    w_shape: [usize; 4],
    op: Conv2d,
    pass: Pass,
    runs: Runs,
) -> Result<(String, Vec<Row>)> {
    let problem = ConvProblem::new(&op, x_shape, w_shape)?;
    let (x, x_values) = operand(context, &x_shape, 1)?;
    let (w, w_values) = operand(context, &w_shape, 2)?;
    let (g, g_values) = operand(context, &problem.y_shape, 3)?;
    let expected = match pass {
        Pass::Forward => convolution::conv2d(&op, &x_values, x_shape, &w_values, w_shape, None),
        Pass::BackwardInput => {
            convolution::conv2d_backward_input(&op, &g_values, x_shape, &w_values, w_shape)
        }
        Pass::BackwardWeight => {
            convolution::conv2d_backward_weight(&op, &g_values, &x_values, x_shape, w_shape)
        }
    };
    let mut rows = Vec::new();
    let candidates = select::conv2d_candidates(&Device::of(context), pass, &problem);
    for (at, algorithm) in candidates.into_iter().take(runs.candidates).enumerate() {
        let work = || {
            let algorithm = Some(algorithm);
            Ok(match pass {
                Pass::Forward => x.conv2d_with(&w, None, &op, None, algorithm)?,
                Pass::BackwardInput => Tensor::conv2d_backward_input(&g, &w, &x_shape, &op, algorithm)?,
                Pass::BackwardWeight => Tensor::conv2d_backward_weight(&g, &x, &w_shape, &op, algorithm)?,
            })
        };
        rows.push(time(context, algorithm.name(), at == 0, &expected, problem.flops(), runs.repeat, work)?);
    }
    Ok((format!("{} of {problem}", pass.name()), rows))
}

/// Numbers that are not all alike, of either sign. A 4-D tensor lies channels-last, as in a network.
fn operand(context: &Context, shape: &[usize], seed: usize) -> Result<(Tensor, Vec<f32>)> {
    let count = tilewright_ops::element_count("bench", shape)?;
    let values: Vec<f32> =
        (0..count).map(|i| (((i + seed) * 2_654_435_761) % 2003) as f32 / 1001.0 - 1.0).collect();
    let tensor = Tensor::from_slice(context, &values, shape)?;
    let tensor =
        if seed == 2 { tensor } else { tensor.to_layout(tilewright_tensor::Layout::ChannelsLast)? };
    Ok((tensor, values))
}

fn time(
    context: &Context,
    algorithm: &str,
    chosen: bool,
    expected: &[f32],
    flops: u64,
    repeat: usize,
    work: impl Fn() -> Result<Tensor>,
) -> Result<Row> {
    let error = relative_error(&work()?.to_vec::<f32>()?, expected);
    if error.is_nan() || error > 1e-4 {
        return Err(Error::Check(format!(
            "{algorithm} is wrong: it differs by {error:.1e} of the largest element"
        )));
    }
    let mut times = Vec::with_capacity(repeat);
    for round in 0..repeat + 2 {
        context.synchronize()?;
        let begun = Instant::now();
        let result = work()?;
        context.synchronize()?;
        drop(result);
        // Two to warm up.
        if round >= 2 {
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    let median_ms = times[times.len() / 2];
    let gflops = flops as f64 / median_ms / 1e6;
    Ok(Row { algorithm: algorithm.to_owned(), chosen, error, median_ms, min_ms: times[0], gflops })
}
