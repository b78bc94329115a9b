//! Convolutions: the plain definition in three directions, and the quicker ways of computing it.

mod backward_bias;
mod direct;
mod problem;

use tilewright_ops::UnaryOp;
use tilewright_runtime::{Buffer, Context, Error, Result};

pub use backward_bias::backward_bias;
pub use direct::Spec as DirectSpec;
pub use problem::{Conv2dAlgorithm, Operands, Pass, Problem};

use crate::select::{self, DeviceClass};

pub(crate) fn params() -> Vec<crate::ParamsLayout> {
    vec![problem::Params::LAYOUT, backward_bias::LAYOUT]
}

fn chosen(
    context: &Context,
    pass: Pass,
    problem: &Problem,
    algorithm: Option<Conv2dAlgorithm>,
) -> Result<Conv2dAlgorithm> {
    let device = DeviceClass::of(context);
    let Some(algorithm) = algorithm else {
        return Ok(select::conv2d(device, pass, problem).algorithm);
    };
    match algorithm.obstacle(device, pass, problem) {
        None => Ok(algorithm),
        Some(reason) => Err(Error::Unsupported {
            op: pass.name().to_owned(),
            algorithm: algorithm.name(),
            reason: format!("{reason} ({problem})"),
        }),
    }
}

/// y = activation(x ⋆ weight + bias), by the algorithm named or by the one that [`select::conv2d`] picks.
///
/// # Errors
/// [`Error::Unsupported`] if the algorithm named cannot run this shape on this device.
pub fn forward(
    context: &Context,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
    algorithm: Option<Conv2dAlgorithm>,
) -> Result<()> {
    let algorithm = chosen(context, Pass::Forward, problem, algorithm)?;
    if problem.y_count() == 0 {
        return Ok(());
    }
    match algorithm {
        Conv2dAlgorithm::Direct => direct::forward(context, problem, operands, activation),
    }
}

/// The gradient of x (channels-last) from grad_y (channels-last) and the weight.
///
/// # Errors
/// As [`forward`].
pub fn backward_input(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    weight: &Buffer,
    grad_x: &Buffer,
    algorithm: Option<Conv2dAlgorithm>,
) -> Result<()> {
    let algorithm = chosen(context, Pass::BackwardInput, problem, algorithm)?;
    if problem.x_count() == 0 {
        return Ok(());
    }
    match algorithm {
        Conv2dAlgorithm::Direct => direct::backward_input(context, problem, grad_y, weight, grad_x),
    }
}

/// The gradient of the weight (O I KH KW) from grad_y and x (channels-last).
///
/// # Errors
/// As [`forward`].
pub fn backward_weight(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    x: &Buffer,
    grad_weight: &Buffer,
    algorithm: Option<Conv2dAlgorithm>,
) -> Result<()> {
    let algorithm = chosen(context, Pass::BackwardWeight, problem, algorithm)?;
    if problem.w_count() == 0 {
        return Ok(());
    }
    match algorithm {
        Conv2dAlgorithm::Direct => direct::backward_weight(context, problem, grad_y, x, grad_weight),
    }
}
