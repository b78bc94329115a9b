//! Whether products of four bytes are worth using: a driver may have an instruction for them or emulate them by a dozen, and WGSL
//! does not say. So the kernel is tried once beside the one in f32, on a convolution of known result.

use std::time::Instant;

use tilewright_ops::{Conv2d, DType, QConv2d};
use tilewright_runtime::{Context, Error, Mode, Result};

use super::{
    algorithm::QConv2dAlgorithm,
    call::{Operands, QConv2dLaunch},
    implicit_gemm,
    prepare::constants,
};
use crate::{
    base::{
        device::{Device, DeviceClass},
        trials::{Question, Trial, keep, known},
    },
    convolution::Problem,
};

/// Pixels on a side, input channels and output channels of the trial.
const EXTENT: usize = 32;
const CHANNELS: usize = 256;

/// Tries products of four bytes, unless that is done or the device is not one of those that may have them.
pub(super) fn try_out(context: &Context) {
    // Times in checked mode say nothing about the fast one.
    if Device::of(context).class == DeviceClass::SoftwareVulkan
        || context.mode() == Mode::Checked
        || known(context, Question::Dot4).is_some()
    {
        return;
    }
    // Commands of a recording would run with every replay.
    let trial = try_dot4(&context.eager()).unwrap_or_else(|error| Trial::Wrong(error.to_string()));
    tracing::info!(?trial, "tried products of four bytes");
    keep(context, Question::Dot4, trial);
}

/// A convolution of 1 × 1 by products of four bytes and the same in f32: right, and timed.
///
/// # Errors
/// Those of the kernel in f32; what goes wrong with the other is the outcome.
pub fn try_dot4(context: &Context) -> Result<Trial> {
    let shapes = ([1, CHANNELS, EXTENT, EXTENT], [CHANNELS, CHANNELS, 1, 1]);
    let problem =
        Problem::new(&Conv2d::default(), shapes.0, shapes.1).map_err(|error| Error::Unsupported {
            op: QConv2d::OP.to_owned(),
            algorithm: "implicit_gemm",
            reason: error.to_string(),
        })?;
    let bytes = |seed: usize, count: usize| -> Vec<u8> {
        (0..count).map(|at| ((at + seed).wrapping_mul(2_654_435_761) >> 13) as u8).collect()
    };
    let x = context.upload(&bytes(1, CHANNELS * EXTENT * EXTENT))?;
    let weight = context.upload(&bytes(7, CHANNELS * CHANNELS))?;
    let call = QConv2dLaunch {
        problem,
        op: QConv2d { conv: Conv2d::default(), x_zero: 0, y: None },
        x: &x,
        x_type: DType::I8,
        weight: &weight,
        weight_type: DType::I8,
        weight_zero: None,
        bias: None,
        multiplier: None,
        residual: None,
        algorithm: None,
    };
    let (plain_ms, expected) = time(context, &call, QConv2dAlgorithm::ImplicitGemmF32)?;
    let (tried_ms, actual) = match time(context, &call, QConv2dAlgorithm::ImplicitGemm) {
        Ok(found) => found,
        Err(error) => return Ok(Trial::Wrong(error.to_string())),
    };
    let wrong = expected.iter().zip(&actual).filter(|(a, b)| a != b).count();
    Ok(if wrong > 0 {
        Trial::Wrong(format!("{wrong} of {} sums differ from those in f32", expected.len()))
    } else {
        Trial::Right { plain_ms, tried_ms }
    })
}

/// The shortest of a few runs in milliseconds, and the sums.
fn time(context: &Context, call: &QConv2dLaunch<'_>, algorithm: QConv2dAlgorithm) -> Result<(f64, Vec<i32>)> {
    let constants = constants(context, call, algorithm)?;
    let y = context.alloc(4 * (CHANNELS * EXTENT * EXTENT) as u64)?;
    let operands = Operands { x: call.x, constants: &constants, residual: call.x, y: &y };
    let real = algorithm == QConv2dAlgorithm::ImplicitGemmF32;
    let mut best = f64::INFINITY;
    // The first run compiles, the second warms up.
    for round in 0..7 {
        context.synchronize()?;
        let begun = Instant::now();
        for _ in 0..4 {
            implicit_gemm::run(context, call, &operands, real)?;
        }
        context.synchronize()?;
        if round >= 2 {
            best = best.min(begun.elapsed().as_secs_f64() * 1e3 / 4.0);
        }
    }
    Ok((best, bytemuck::pod_collect_to_vec(&context.read(&y)?)))
}
