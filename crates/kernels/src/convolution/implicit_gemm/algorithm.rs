//! The product of im2col without its matrix.

use tilewright_ops::Pooling;
use tilewright_runtime::{Buffer, Context, Result};

use super::{
    backward,
    forward::{forward, forward_pooled, pools},
};
use crate::{
    base::{device::Device, epilogue::Windows},
    convolution::{
        call::Conv2dLaunch,
        implementation::Implementation,
        pack,
        problem::{Pass, Problem},
    },
};

/// Implicit GEMM, for GPUs.
pub(crate) struct ImplicitGemm;

impl Implementation for ImplicitGemm {
    fn name(&self) -> &'static str {
        "implicit_gemm"
    }

    fn obstacle(&self, _: &Device, _: Pass, _: &Problem) -> Option<&'static str> {
        None
    }

    fn pools(&self, problem: &Problem, windows: Windows, pooling: &Pooling) -> bool {
        pools(problem, windows, pooling)
    }

    fn pack(&self, context: &Context, problem: &Problem, weight: &Buffer) -> Result<Buffer> {
        pack::inputs_by_outputs(context, Pass::Forward.name(), problem, weight)
    }

    fn forward(&self, context: &Context, call: &Conv2dLaunch<'_>, y: &Buffer) -> Result<()> {
        let packed = call.weight.packed(|weight| self.pack(context, &call.problem, weight))?;
        match call.windows() {
            Some(windows) => forward_pooled(context, call, y, &packed, windows),
            None => forward(context, call, y, &packed),
        }
    }

    fn backward_input(
        &self,
        context: &Context,
        problem: &Problem,
        grad_y: &Buffer,
        weight: &Buffer,
        grad_x: &Buffer,
    ) -> Result<()> {
        backward::backward_input(context, problem, grad_y, weight, grad_x)
    }

    fn backward_weight(
        &self,
        context: &Context,
        problem: &Problem,
        grad_y: &Buffer,
        x: &Buffer,
        grad_weight: &Buffer,
    ) -> Result<()> {
        backward::backward_weight(context, problem, grad_y, x, grad_weight)
    }
}
