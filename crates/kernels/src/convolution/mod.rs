//! Convolutions: the plain definition in three directions, and the quicker ways of computing it.

mod algorithm;
mod backward_bias;
mod cooperative;
mod depthwise;
mod depthwise_backward;
mod direct;
mod im2col;
mod implicit_gemm;
mod lanes;
mod narrow;
mod pack;
mod pack_tiles;
mod problem;
mod weight;
mod winograd;
mod winograd_gradient;

pub(crate) use winograd_gradient::in_one_kernel;

use tilewright_ops::{Pooling, UnaryOp};
use tilewright_runtime::{Buffer, Context, Error, Result};

pub use algorithm::Conv2dAlgorithm;
pub use backward_bias::backward_bias;
pub use cooperative::Spec as CooperativeSpec;
pub use depthwise::ForwardSpec as DepthwiseForwardSpec;
pub use depthwise_backward::{
    BlocksSpec as DepthwiseBlocksSpec, InputSpec as DepthwiseInputSpec, WeightSpec as DepthwiseWeightSpec,
};
pub use direct::Spec as DirectSpec;
pub use im2col::{Spec as Im2colSpec, col2im, im2col};
pub use implicit_gemm::Spec as ImplicitGemmSpec;
pub use lanes::{
    ForwardSpec as LanesForwardSpec, InputSpec as LanesInputSpec, WeightSpec as LanesWeightSpec,
};
pub use narrow::Spec as NarrowSpec;
pub use pack::Spec as PackSpec;
pub use problem::{Operands, Pass, Problem};
pub use weight::{PackedWeight, Weight, pack_weight};
pub use winograd::Spec as WinogradSpec;

use crate::{
    cooperative::{Emulation, Matrices},
    epilogue::Windows,
    select::{self, Device},
};

pub(crate) fn params() -> Vec<crate::ParamsLayout> {
    let shared = [
        problem::Params::LAYOUT,
        implicit_gemm::Params::LAYOUT,
        backward_bias::LAYOUT,
        pack::LAYOUT,
        narrow::LAYOUT,
    ];
    [
        &shared[..],
        &depthwise::LAYOUTS,
        &depthwise_backward::LAYOUTS,
        &lanes::LAYOUTS,
        &pack_tiles::LAYOUTS,
        &winograd::LAYOUTS,
        &winograd_gradient::LAYOUTS,
    ]
    .concat()
}

fn chosen(
    context: &Context,
    pass: Pass,
    problem: &Problem,
    algorithm: Option<Conv2dAlgorithm>,
) -> Result<Conv2dAlgorithm> {
    let Some(algorithm) = algorithm else {
        return Ok(select::conv2d_for(context, pass, problem).algorithm);
    };
    let device = Device::of(context);
    match algorithm.obstacle(&device, pass, problem) {
        None => Ok(algorithm),
        Some(reason) => Err(unsupported(pass, algorithm, problem, reason)),
    }
}

/// y = activation(x ⋆ weight + bias + residual), by the algorithm named, or by the one that the weight was packed for, or
/// by the one that [`select::conv2d_for`] picks.
///
/// # Errors
/// [`Error::Unsupported`] if the algorithm named cannot run this shape on this device, or if the weight was packed for
/// another algorithm or another shape.
pub fn forward(
    context: &Context,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
    algorithm: Option<Conv2dAlgorithm>,
) -> Result<()> {
    let algorithm = operands.weight.algorithm(context, problem, algorithm)?;
    run(context, problem, operands, activation, None, algorithm)
}

/// As [`forward`], with the pooling of the result in the same kernel: `operands.y` is what `pooling` makes of y, and the
/// residual has the shape of y.
///
/// # Errors
/// As [`forward`]; [`Error::Unsupported`] where [`pools`] says no.
pub fn forward_pooled(
    context: &Context,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
    pooling: &Pooling,
    algorithm: Option<Conv2dAlgorithm>,
) -> Result<()> {
    let algorithm = operands.weight.algorithm(context, problem, algorithm)?;
    if !algorithm.pools(problem, pooling) {
        let reason = "none of its threads holds whole windows; pool its result";
        return Err(unsupported(Pass::Forward, algorithm, problem, reason));
    }
    if operands.residual.is_some_and(|residual| residual.same(operands.y)) {
        let reason = "windows cannot lie where the residual of their pixels lies";
        return Err(unsupported(Pass::Forward, algorithm, problem, reason));
    }
    run(context, problem, operands, activation, Some(pooling), algorithm)
}

/// Whether [`forward_pooled`] runs with such a weight: whether the algorithm that it would take can pool.
///
/// # Errors
/// As [`forward`].
pub fn pools(
    context: &Context,
    problem: &Problem,
    weight: Weight<'_>,
    pooling: &Pooling,
    algorithm: Option<Conv2dAlgorithm>,
) -> Result<bool> {
    Ok(weight.algorithm(context, problem, algorithm)?.pools(problem, pooling))
}

fn run(
    context: &Context,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
    pooling: Option<&Pooling>,
    algorithm: Conv2dAlgorithm,
) -> Result<()> {
    if problem.y_count() == 0 {
        return Ok(());
    }
    match algorithm {
        Conv2dAlgorithm::Direct => direct::forward(context, problem, operands, activation),
        Conv2dAlgorithm::Im2col => im2col::forward(context, problem, operands, activation),
        Conv2dAlgorithm::ImplicitGemm => {
            match pooling.and_then(|pooling| Windows::new(pooling, problem.y_shape)) {
                Some(pool) => implicit_gemm::forward_pooled(context, problem, operands, activation, pool),
                None => implicit_gemm::forward(context, problem, operands, activation),
            }
        }
        Conv2dAlgorithm::Depthwise => depthwise::forward(context, problem, operands, activation),
        Conv2dAlgorithm::Lanes => lanes::forward(context, problem, operands, activation, pooling),
        Conv2dAlgorithm::Cooperative => {
            let matrices = Matrices::of(&Device::of(context));
            cooperative::forward(context, problem, operands, activation, matrices)
        }
        Conv2dAlgorithm::WinogradF2 => winograd::forward(context, problem, operands, activation, pooling, 2),
        Conv2dAlgorithm::WinogradF4 => winograd::forward(context, problem, operands, activation, pooling, 4),
    }
}

/// What the sum over a window is divided by.
fn divisor(pooling: Option<&Pooling>) -> f32 {
    pooling.map_or(1.0, |pooling| pooling.divisor() as f32)
}

/// As [`forward`] by [`Conv2dAlgorithm::Cooperative`] with the matrices emulated by plain sums. It is too slow for
/// anything but finding out whether the kernel is right where no device has the hardware.
///
/// # Errors
/// [`Error::Unsupported`] if it cannot run this shape.
pub fn forward_emulated(
    context: &Context,
    emulation: Emulation,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
) -> Result<()> {
    let (pass, device) = (Pass::Forward, Device::of(context));
    let obstacle = emulation.obstacle();
    let obstacle = obstacle.or(Conv2dAlgorithm::obstacle_of_matrices(emulation.edge, &device, pass, problem));
    if let Some(reason) = obstacle {
        return Err(unsupported(Pass::Forward, Conv2dAlgorithm::Cooperative, problem, reason));
    }
    cooperative::forward(context, problem, operands, activation, Matrices::Emulated(emulation))
}

fn unsupported(pass: Pass, algorithm: Conv2dAlgorithm, problem: &Problem, reason: &str) -> Error {
    let (op, algorithm, reason) = (pass.name().to_owned(), algorithm.name(), format!("{reason} ({problem})"));
    Error::Unsupported { op, algorithm, reason }
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
        Conv2dAlgorithm::Im2col => im2col::backward_input(context, problem, grad_y, weight, grad_x),
        Conv2dAlgorithm::ImplicitGemm => {
            implicit_gemm::backward_input(context, problem, grad_y, weight, grad_x)
        }
        Conv2dAlgorithm::Depthwise => {
            depthwise_backward::backward_input(context, problem, grad_y, weight, grad_x)
        }
        Conv2dAlgorithm::Lanes => lanes::backward_input(context, problem, grad_y, weight, grad_x),
        Conv2dAlgorithm::Cooperative => {
            Err(unsupported(Pass::BackwardInput, algorithm, problem, "it runs forward"))
        }
        Conv2dAlgorithm::WinogradF2 => winograd::backward_input(context, problem, grad_y, weight, grad_x, 2),
        Conv2dAlgorithm::WinogradF4 => winograd::backward_input(context, problem, grad_y, weight, grad_x, 4),
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
        Conv2dAlgorithm::Im2col => im2col::backward_weight(context, problem, grad_y, x, grad_weight),
        Conv2dAlgorithm::ImplicitGemm => {
            implicit_gemm::backward_weight(context, problem, grad_y, x, grad_weight)
        }
        Conv2dAlgorithm::Depthwise => {
            depthwise_backward::backward_weight(context, problem, grad_y, x, grad_weight)
        }
        Conv2dAlgorithm::Lanes => lanes::backward_weight(context, problem, grad_y, x, grad_weight),
        Conv2dAlgorithm::Cooperative => {
            Err(unsupported(Pass::BackwardWeight, algorithm, problem, "it runs forward"))
        }
        Conv2dAlgorithm::WinogradF2 => {
            winograd_gradient::backward_weight(context, problem, grad_y, x, grad_weight, 2)
        }
        Conv2dAlgorithm::WinogradF4 => {
            winograd_gradient::backward_weight(context, problem, grad_y, x, grad_weight, 4)
        }
    }
}
