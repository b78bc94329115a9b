//! Convolutions by the algorithm that is named, that the weight was packed for, or that is chosen.

use tilewright_runtime::{Buffer, Context, Result};

use super::{
    algorithm::Conv2dAlgorithm,
    call::{Conv2dLaunch, Placement},
    choose::{conv2d_for, conv2d_packed_for},
    problem::{Pass, Problem},
    registry::{backward_input_as, backward_weight_as, check_forward, forward_as, pack_as},
    weight::{PackedWeight, Weight},
};

fn algorithm_of(context: &Context, call: &Conv2dLaunch<'_>) -> Conv2dAlgorithm {
    match (call.algorithm, call.weight) {
        (Some(algorithm), _) => algorithm,
        (None, Weight::Packed(packed)) => packed.algorithm(),
        // In a recording a constant's packing runs once, when the plan is made.
        (None, Weight::Plain(weight)) if context.is_recording() && weight.is_backed() => {
            conv2d_packed_for(context, &call.problem).algorithm
        }
        (None, Weight::Plain(_)) => conv2d_for(context, Pass::Forward, &call.problem).algorithm,
    }
}

/// Where the result of `call` is to go.
///
/// # Errors
/// As [`forward`], but for the pooling: where the algorithm cannot, [`Placement::pooling`] is none.
pub fn placement(context: &Context, call: &Conv2dLaunch<'_>) -> Result<Placement> {
    let Conv2dLaunch { problem, x, residual, over_residual, pooling, .. } = call;
    let algorithm = algorithm_of(context, call);
    check_forward(context, algorithm, call)?;
    let pooling = pooling.filter(|pooling| algorithm.pools(problem, pooling));
    let shape = pooling.and_then(|pooling| pooling.output_shape(problem.y_shape).ok());
    let read = |buffer: &Buffer| {
        buffer.same(x) || matches!(call.weight, Weight::Plain(weight) if buffer.same(weight))
    };
    let over_residual = *over_residual && residual.is_some_and(|residual| !read(residual));
    Ok(Placement {
        algorithm,
        pooling,
        over_residual: over_residual && pooling.is_none(),
        shape: shape.unwrap_or(problem.y_shape),
    })
}

/// Runs `call` into `y`, a buffer of its own or, as [`placement`] allows it, the residual's: N OH OW O in memory.
///
/// # Errors
/// [`tilewright_runtime::Error::Unsupported`] if the algorithm cannot run this shape on this device or not pool it, or if
/// the weight was packed for another algorithm or another shape.
pub fn forward(context: &Context, call: &Conv2dLaunch<'_>, y: &Buffer) -> Result<()> {
    forward_as(context, algorithm_of(context, call), call, y)
}

/// The gradient of x (channels-last) from grad_y (channels-last) and the weight (O C/groups KH KW), by the algorithm named
/// or chosen.
///
/// # Errors
/// [`tilewright_runtime::Error::Unsupported`] if the algorithm cannot run this shape on this device.
pub fn backward_input(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    weight: &Buffer,
    grad_x: &Buffer,
    algorithm: Option<Conv2dAlgorithm>,
) -> Result<()> {
    let algorithm = algorithm.unwrap_or_else(|| conv2d_for(context, Pass::BackwardInput, problem).algorithm);
    backward_input_as(context, algorithm, problem, grad_y, weight, grad_x)
}

/// The gradient of the weight (O C/groups KH KW) from grad_y and x (channels-last), by the algorithm named or chosen.
///
/// # Errors
/// As [`backward_input`].
pub fn backward_weight(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    x: &Buffer,
    grad_weight: &Buffer,
    algorithm: Option<Conv2dAlgorithm>,
) -> Result<()> {
    let algorithm = algorithm.unwrap_or_else(|| conv2d_for(context, Pass::BackwardWeight, problem).algorithm);
    backward_weight_as(context, algorithm, problem, grad_y, x, grad_weight)
}

/// Brings `weight`, O C/groups KH KW, into the order of the algorithm named, or of the one that
/// [`conv2d_packed_for`] picks for `problem`, once for many forward passes.
///
/// # Errors
/// [`tilewright_runtime::Error::Unsupported`] if the algorithm named cannot run this shape on this device.
pub fn pack_weight(
    context: &Context,
    problem: &Problem,
    weight: &Buffer,
    algorithm: Option<Conv2dAlgorithm>,
) -> Result<PackedWeight> {
    let algorithm = algorithm.unwrap_or_else(|| conv2d_packed_for(context, problem).algorithm);
    pack_as(context, algorithm, problem, weight)
}
