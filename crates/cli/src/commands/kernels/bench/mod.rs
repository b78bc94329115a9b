//! `tilewright kernels bench`: every algorithm that can run an operation at a shape, validated, then timed.

pub(crate) mod arguments;
mod check;
pub(crate) mod extents;
pub(crate) mod pass;
mod report;
mod suite;

use std::time::Instant;

use tilewright_kernels::{
    convolution::{
        self as kernels, Conv2dAlgorithm, Conv2dLaunch, Pass, Problem as ConvProblem, Weight, pack_weight,
    },
    matmul::{MatmulAlgorithm, Problem as MatmulProblem},
    probe::{self, Roofline},
    select::{self, Device},
    tune,
};
use tilewright_ops::{Conv2d, DType, MatMul};
use tilewright_reference::{convolution, matmul};
use tilewright_runtime::Context;
use tilewright_tensor::{Layout, MatMulCall, Tensor};

use self::{
    arguments::{Arguments, Op},
    check::{Check, WHOLE_MOST, channels_last},
    report::{Absent, Row, Size, report},
};
use crate::{error::Error, error::Result};

/// How much to run.
#[derive(Clone, Copy, Debug)]
struct Runs {
    /// Timed runs of each algorithm.
    repeat: usize,
    /// How many algorithms, counted from the table's choice.
    candidates: usize,
}

pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    if arguments.repeat == 0 {
        return Err(Error::Argument { argument: "--repeat", reason: "it must be at least 1".to_owned() });
    }
    let runs = Runs { repeat: arguments.repeat, candidates: if arguments.chosen { 1 } else { usize::MAX } };
    let roofline = probe::stored(context);
    let (what, size, rows, absent) = match &arguments.op {
        Op::Suite(suite) => {
            let options =
                suite::Options { assert: arguments.assert, chosen: arguments.chosen, json: arguments.json };
            return suite::run(suite, options, context);
        }
        Op::Memory(memory) => return super::memory::run(memory, arguments.repeat, arguments.json, context),
        Op::Matmul { shape, transpose_left, transpose_right, precision } => {
            let op = MatMul { transpose_left: *transpose_left, transpose_right: *transpose_right };
            bench_matmul(context, *shape, op, (*precision).into(), runs, roofline.as_ref())?
        }
        Op::Conv2d { shape, weight, stride, padding, dilation, groups, pass, precision } => {
            let op = Conv2d {
                stride: [*stride; 2],
                padding: [*padding; 2],
                dilation: [*dilation; 2],
                groups: *groups,
            };
            let dtype = (*precision).into();
            bench_conv2d(context, *shape, *weight, op, dtype, (*pass).into(), runs, roofline.as_ref())?
        }
    };
    report(arguments, context, &what, size, (&rows, &absent), roofline.as_ref());
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
    dtype: DType,
    runs: Runs,
    roofline: Option<&Roofline>,
) -> Result<(String, Size, Vec<Row>, Vec<Absent>)> {
    let left = if op.transpose_left { [k, m] } else { [m, k] };
    let right = if op.transpose_right { [n, k] } else { [k, n] };
    let ((a, a_values), (b, b_values)) =
        (operand(context, &left, 1, dtype)?, operand(context, &right, 2, dtype)?);
    let problem = MatmulProblem {
        batches: 1,
        m,
        n,
        k,
        transpose_left: op.transpose_left,
        transpose_right: op.transpose_right,
        dtype,
        ..MatmulProblem::default()
    };
    let size = Size { flops: op.flops(&left, &right)?, bytes: op.bytes(&left, &right, dtype)? };
    let check = if size.flops > WHOLE_MOST {
        Check::Samples(tune::matmul_samples(&problem, &a_values, &b_values))
    } else {
        Check::Whole(matmul::matmul(op, &a_values, &left, &b_values, &right))
    };
    let mut rows = Vec::new();
    // What was tried or measured on this device comes before what is known of it.
    let chosen = select::matmul_for(context, &problem).algorithm;
    let device = Device::of(context);
    let candidates = first(select::matmul_candidates(&device, &problem), chosen);
    let absent = MatmulAlgorithm::ALL
        .into_iter()
        .filter_map(|algorithm| Some((algorithm.stem(), algorithm.obstacle(&device, &problem)?)))
        .map(|(algorithm, reason)| Absent { algorithm, reason })
        .collect();
    for (at, algorithm) in candidates.into_iter().take(runs.candidates).enumerate() {
        let work =
            || Ok(a.matmul_with(&b, &MatMulCall { algorithm: Some(algorithm), ..MatMulCall::new(op) })?);
        rows.push(time(context, algorithm.stem(), at == 0, &check, size, runs, roofline, work)?);
    }
    Ok((format!("matmul of {problem}"), size, rows, absent))
}

fn bench_conv2d(
    context: &Context,
    x_shape: [usize; 4],
    w_shape: [usize; 4],
    op: Conv2d,
    dtype: DType,
    pass: Pass,
    runs: Runs,
    roofline: Option<&Roofline>,
) -> Result<(String, Size, Vec<Row>, Vec<Absent>)> {
    let problem = ConvProblem::new(&op, x_shape, w_shape)?.with_dtype(dtype);
    if dtype != DType::F32 && pass != Pass::Forward {
        return Err(Error::Argument { argument: "--precision", reason: "gradients are f32".to_owned() });
    }
    let (x, x_values) = operand(context, &x_shape, 1, dtype)?;
    let (w, w_values) = operand(context, &w_shape, 2, dtype)?;
    let (g, g_values) = operand(context, &problem.y_shape, 3, dtype)?;
    let size = Size { flops: problem.flops(), bytes: op.bytes(x_shape, w_shape, dtype)? };
    let check = if size.flops > WHOLE_MOST {
        let (x, g) = (channels_last(&x_values, x_shape), channels_last(&g_values, problem.y_shape));
        Check::Samples(tune::conv2d_samples(pass, &problem, [&x, &w_values, &g]))
    } else {
        Check::Whole(match pass {
            Pass::Forward => convolution::conv2d(&op, &x_values, x_shape, &w_values, w_shape, None),
            Pass::BackwardInput => {
                convolution::conv2d_backward_input(&op, &g_values, x_shape, &w_values, w_shape)
            }
            Pass::BackwardWeight => {
                convolution::conv2d_backward_weight(&op, &g_values, &x_values, x_shape, w_shape)
            }
        })
    };
    let mut rows = Vec::new();
    let chosen = select::conv2d_repeated_for(context, pass, &problem).algorithm;
    let device = Device::of(context);
    let candidates = first(select::conv2d_candidates(&device, pass, &problem), chosen);
    let absent = Conv2dAlgorithm::ALL
        .into_iter()
        .filter_map(|algorithm| Some((algorithm.name(), algorithm.obstacle(&device, pass, &problem)?)))
        .map(|(algorithm, reason)| Absent { algorithm, reason })
        .collect();
    // A forward pass has a packed weight and an output of its own, as in an inference that runs again and again.
    let y = Tensor::empty(context, &problem.y_shape, dtype, Layout::ChannelsLast)?;
    for (at, algorithm) in candidates.into_iter().take(runs.candidates).enumerate() {
        let packed = match pass {
            Pass::Forward => Some(pack_weight(context, &problem, w.buffer(), Some(algorithm))?),
            _ => None,
        };
        let work = || -> Result<Tensor> {
            let named = Some(algorithm);
            Ok(match pass {
                Pass::Forward => {
                    let weight = packed.as_ref().map_or(Weight::Plain(w.buffer()), Weight::Packed);
                    let call =
                        Conv2dLaunch { algorithm: named, ..Conv2dLaunch::new(&problem, x.buffer(), weight) };
                    kernels::forward(context, &call, y.buffer())?;
                    y.clone()
                }
                Pass::BackwardInput => Tensor::conv2d_backward_input(&g, &w, &x_shape, &op, named)?,
                Pass::BackwardWeight => Tensor::conv2d_backward_weight(&g, &x, &w_shape, &op, named)?,
            })
        };
        rows.push(time(context, algorithm.name(), at == 0, &check, size, runs, roofline, work)?);
    }
    Ok((format!("{} of {problem}", pass.name()), size, rows, absent))
}

/// `all` with `chosen` before the others: a measured choice need not be the table's.
fn first<A: PartialEq + Copy>(mut all: Vec<A>, chosen: A) -> Vec<A> {
    all.sort_by_key(|algorithm| *algorithm != chosen);
    all
}

/// Numbers that are not all alike, of either sign. A 4-D tensor lies channels-last, as in a network.
fn operand(context: &Context, shape: &[usize], seed: usize, dtype: DType) -> Result<(Tensor, Vec<f32>)> {
    let count = tilewright_ops::element_count("bench", shape)?;
    // What the device cannot hold is refused before the host tries to: a failed allocation there ends the process.
    drop(Tensor::empty(context, shape, DType::F32, tilewright_tensor::Layout::RowMajor)?);
    let values: Vec<f32> =
        (0..count).map(|i| (((i + seed) * 2_654_435_761) % 2003) as f32 / 1001.0 - 1.0).collect();
    let tensor = Tensor::from_slice(context, &values, shape)?.cast(dtype)?;
    // What the operation is given, which is not what it was rounded from.
    let values = if dtype == DType::F32 { values } else { tensor.cast(DType::F32)?.to_vec()? };
    let tensor =
        if seed == 2 { tensor } else { tensor.to_layout(tilewright_tensor::Layout::ChannelsLast)? };
    Ok((tensor, values))
}

/// Runs of at least this long come before the timed ones. For its first tens of milliseconds a process may have all threads of a
/// software driver on one core, until the scheduler has spread them: small kernels then take twice as long.
const WARM_UP_MS: f64 = 50.0;

fn time(
    context: &Context,
    algorithm: &str,
    chosen: bool,
    check: &Check,
    size: Size,
    runs: Runs,
    roofline: Option<&Roofline>,
    work: impl Fn() -> Result<Tensor>,
) -> Result<Row> {
    let error = check.error(&work()?, algorithm)?;
    let run = || -> Result<f64> {
        context.synchronize()?;
        let begun = Instant::now();
        let result = work()?;
        context.synchronize()?;
        drop(result);
        Ok(begun.elapsed().as_secs_f64() * 1e3)
    };
    let mut warm_up_ms = run()? + run()?;
    while warm_up_ms < WARM_UP_MS {
        warm_up_ms += run()?;
    }
    let mut times = (0..runs.repeat).map(|_| run()).collect::<Result<Vec<_>>>()?;
    times.sort_by(f64::total_cmp);
    let (median_ms, min_ms) = (times[times.len() / 2], times[0]);
    let gflops = size.flops as f64 / median_ms / 1e6;
    let roof_share = roofline.map(|roofline| roofline.share(size.flops, size.bytes, min_ms / 1e3));
    Ok(Row { algorithm: algorithm.to_owned(), chosen, error, median_ms, min_ms, gflops, roof_share })
}
