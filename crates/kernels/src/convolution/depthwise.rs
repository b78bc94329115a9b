//! `conv2d_depthwise`, `conv2d_depthwise_backward_input`, `conv2d_depthwise_backward_weight`.

use tilewright_ops::UnaryOp;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{Operands, Pass, Problem, direct::parts, pack, problem::Params};
use crate::{
    WORKGROUP,
    epilogue::Epilogue,
    groups,
    matmul::{Reduction, split_k_reduce},
};

/// What the depthwise kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// Which kernel.
    pub pass: Pass,
    /// KH KW, written out in the passes that gather.
    pub kernel: [u32; 2],
    /// Windows of a thread, of the forward pass.
    pub columns: u32,
    /// Bias and activation, of the forward pass.
    pub epilogue: Epilogue,
}

impl From<Spec> for Specialisation {
    fn from(spec: Spec) -> Self {
        let [rows, columns] = spec.kernel;
        let with_kernel =
            |kernel: Self| kernel.with_u32("KERNEL_ROWS", rows).with_u32("KERNEL_COLUMNS", columns);
        let kernel = match spec.pass {
            Pass::Forward => {
                let kernel = Self::new("conv2d_depthwise").with_u32("COLUMNS", spec.columns);
                spec.epilogue.specialise(with_kernel(kernel))
            }
            Pass::BackwardInput => with_kernel(Self::new("conv2d_depthwise_backward_input")),
            Pass::BackwardWeight => Self::new("conv2d_depthwise_backward_weight"),
        };
        kernel.with_u32("WORKGROUP", WORKGROUP)
    }
}

impl Spec {
    fn new(pass: Pass, problem: &Problem, epilogue: Epilogue) -> Self {
        let [_, _, rows, columns] = problem.w_shape;
        // The text grows with taps times windows.
        let windows = if rows * columns > 25 { 1 } else { 4 };
        Self { pass, kernel: [rows as u32, columns as u32], columns: windows, epilogue }
    }
}

pub(super) fn forward(
    context: &Context,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
) -> Result<()> {
    let op = Pass::Forward.name();
    let Operands { x, weight, bias, y } = *operands;
    let packed = pack::depthwise(context, op, problem, weight)?;
    let spec = Spec::new(Pass::Forward, problem, Epilogue::new(bias, activation));
    let [n, channels, rows, columns] = problem.y_shape;
    let threads = n * rows * columns.div_ceil(spec.columns as usize) * (channels / 4);
    let params = problem.in_vec4s(op, threads, activation)?;
    launch(context, spec, &params, &[x, &packed, bias.unwrap_or(&packed), y])
}

pub(super) fn backward_input(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    weight: &Buffer,
    grad_x: &Buffer,
) -> Result<()> {
    let op = Pass::BackwardInput.name();
    let packed = pack::depthwise(context, op, problem, weight)?;
    let spec = Spec::new(Pass::BackwardInput, problem, Epilogue::default());
    let params = problem.in_vec4s(op, problem.x_count() / 4, None)?;
    launch(context, spec, &params, &[grad_y, &packed, grad_x])
}

pub(super) fn backward_weight(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    x: &Buffer,
    grad_weight: &Buffer,
) -> Result<()> {
    let op = Pass::BackwardWeight.name();
    let count = problem.w_count();
    let (splits, chunk) = parts(problem.y_pixels(), count / 4);
    let spec = Spec { kernel: [0, 0], ..Spec::new(Pass::BackwardWeight, problem, Epilogue::default()) };
    let mut params = problem.in_vec4s(op, splits * count / 4, None)?;
    params.chunk = chunk as u32;
    let packed = context.alloc((count * 4) as u64)?;
    if splits == 1 {
        launch(context, spec, &params, &[grad_y, x, &packed])?;
    } else {
        let partials = context.alloc((splits * count * 4) as u64)?;
        launch(context, spec, &params, &[grad_y, x, &partials])?;
        let reduction = Reduction { count, splits, bias_inner: 1, bias_period: 1, accumulate: false };
        split_k_reduce(context, op, &reduction, &partials, None, &packed, None)?;
    }
    pack::from_depthwise(context, op, problem, &packed, grad_weight)
}

fn launch(context: &Context, spec: Spec, params: &Params, buffers: &[&Buffer]) -> Result<()> {
    let dispatch = Dispatch {
        op: spec.pass.name(),
        params: bytemuck::bytes_of(params),
        buffers,
        groups: groups(params.count),
    };
    context.dispatch(&spec.into(), &dispatch)
}
