//! `conv2d_direct`, `conv2d_direct_backward_input`, `conv2d_direct_backward_weight`.

use tilewright_ops::DType;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{
    call::Conv2dLaunch,
    implementation::Implementation,
    plain::Params,
    problem::{Pass, Problem},
};
use crate::{
    base::{
        device::{Device, DeviceClass},
        epilogue::Epilogue,
        numbers::{WORKGROUP, workgroups},
    },
    matmul::split_k_reduce::{Addends, Reduction, split_k_reduce},
};

/// What the direct kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// Which kernel.
    pub pass: Pass,
    /// The type of the operands of a forward pass.
    pub dtype: DType,
    /// Bias and activation, of the forward pass.
    pub epilogue: Epilogue,
}

impl From<Spec> for Specialisation {
    fn from(spec: Spec) -> Self {
        let kernel = match spec.pass {
            Pass::Forward => spec.epilogue.specialise(Self::new("conv2d_direct")),
            Pass::BackwardInput => Self::new("conv2d_direct_backward_input"),
            Pass::BackwardWeight => Self::new("conv2d_direct_backward_weight"),
        };
        let kernel = match spec.dtype {
            DType::F16 => kernel.with_type("Operand", "f16").with_type("Output", "f16"),
            _ => kernel,
        };
        kernel.with_u32("WORKGROUP", WORKGROUP)
    }
}

/// The definition, one thread to an element.
pub(super) struct Direct;

impl Implementation for Direct {
    fn name(&self) -> &'static str {
        "direct"
    }

    fn obstacle(&self, device: &Device, pass: Pass, problem: &Problem) -> Option<&'static str> {
        let [outputs, inputs, rows, columns] = problem.w_shape;
        // Mesa before 23 stops the loops of a shader after 65,535 turns in all, silently.
        let inner = match pass {
            Pass::Forward => inputs,
            Pass::BackwardInput => outputs / problem.op.groups,
            Pass::BackwardWeight => return None,
        };
        let turns = rows * (columns * (inner + 1) + 1);
        (device.class == DeviceClass::SoftwareVulkan && turns > 65_000)
            .then_some("its sums have more terms than a loop may have turns there")
    }

    fn runs_empty(&self) -> bool {
        true
    }

    fn pack(&self, _: &Context, _: &Problem, weight: &Buffer) -> Result<Buffer> {
        Ok(weight.clone())
    }

    fn forward(&self, context: &Context, call: &Conv2dLaunch<'_>, y: &Buffer) -> Result<()> {
        let weight = &call.weight.packed(|weight| self.pack(context, &call.problem, weight))?;
        let problem = &call.problem;
        let spec = Spec { pass: Pass::Forward, dtype: problem.dtype, epilogue: call.epilogue(y) };
        let params = Params::new(Pass::Forward.name(), problem, problem.y_count(), call.activation)?;
        let [bias, residual] = call.addends(y, weight);
        launch(context, spec, &params, &[call.x, weight, bias, residual, y])
    }

    fn backward_input(
        &self,
        context: &Context,
        problem: &Problem,
        grad_y: &Buffer,
        weight: &Buffer,
        grad_x: &Buffer,
    ) -> Result<()> {
        let spec = Spec { pass: Pass::BackwardInput, dtype: DType::F32, epilogue: Epilogue::default() };
        let params = Params::new(Pass::BackwardInput.name(), problem, problem.x_count(), None)?;
        launch(context, spec, &params, &[grad_y, weight, grad_x])
    }

    fn backward_weight(
        &self,
        context: &Context,
        problem: &Problem,
        grad_y: &Buffer,
        x: &Buffer,
        grad_weight: &Buffer,
    ) -> Result<()> {
        let op = Pass::BackwardWeight.name();
        let (pixels, count) = (problem.y_pixels(), problem.w_count());
        let (splits, chunk) = parts(pixels, count);
        let spec = Spec { pass: Pass::BackwardWeight, dtype: DType::F32, epilogue: Epilogue::default() };
        let mut params = Params::new(op, problem, splits * count, None)?;
        params.chunk = chunk as u32;
        if splits == 1 {
            return launch(context, spec, &params, &[grad_y, x, grad_weight]);
        }
        let partials = context.alloc((splits * count * 4) as u64)?;
        launch(context, spec, &params, &[grad_y, x, &partials])?;
        let reduction = Reduction { count, splits, bias_inner: 1, bias_period: 1, accumulate: false };
        split_k_reduce(context, op, &reduction, &partials, Addends::default(), grad_weight, None)
    }
}

/// Into how many parts a sum over `pixels` is cut for `count` results, and how long a part is: short enough for
/// every driver's loops and for the rounding, and enough of them to keep a GPU busy.
pub(super) fn parts(pixels: usize, count: usize) -> (usize, usize) {
    const LONGEST: usize = 16_384;
    const SHORTEST: usize = 256;
    const BUSY: usize = 65_536;
    let wanted = BUSY.div_ceil(count.max(1)).min(pixels / SHORTEST).max(pixels.div_ceil(LONGEST)).max(1);
    let chunk = pixels.div_ceil(wanted);
    (pixels.div_ceil(chunk.max(1)).max(1), chunk)
}

fn launch(context: &Context, spec: Spec, params: &Params, buffers: &[&Buffer]) -> Result<()> {
    let dispatch = Dispatch {
        op: spec.pass.name(),
        params: bytemuck::bytes_of(params),
        buffers,
        groups: workgroups(params.count),
    };
    context.dispatch(&spec.into(), &dispatch)
}
