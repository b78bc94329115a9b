//! Implicit GEMM by shuffles.

use tilewright_ops::{DType, Pooling};
use tilewright_runtime::{Buffer, Context, Result};

use super::{backward_input, backward_weight, forward, narrow};
use crate::{
    base::{
        device::{Device, DeviceClass},
        epilogue::Windows,
    },
    convolution::{
        call::Conv2dLaunch,
        implementation::Implementation,
        pack,
        problem::{Pass, Problem},
    },
};

/// Implicit GEMM by shuffles, for software Vulkan.
pub(crate) struct Lanes;

impl Implementation for Lanes {
    fn name(&self) -> &'static str {
        "lanes"
    }

    fn obstacle(&self, device: &Device, pass: Pass, problem: &Problem) -> Option<&'static str> {
        if problem.dtype == DType::F16 {
            return Some("it takes f32");
        }
        if device.class != DeviceClass::SoftwareVulkan {
            return Some("it is written for software Vulkan with subgroups of 4, 8 or 16 lanes");
        }
        let [outputs, _, rows, columns] = problem.w_shape;
        let turns = match pass {
            Pass::Forward => problem.terms(),
            Pass::BackwardInput => rows * columns * (outputs / problem.op.groups).div_ceil(4),
            Pass::BackwardWeight => 0,
        };
        (turns > 65_000).then_some("its sums have more terms than a loop may have turns there")
    }

    fn pools(&self, _: &Problem, windows: Windows, _: &Pooling) -> bool {
        forward::pools(windows)
    }

    fn pack(&self, context: &Context, problem: &Problem, weight: &Buffer) -> Result<Buffer> {
        pack::inputs_by_outputs(context, Pass::Forward.name(), problem, weight)
    }

    fn forward(&self, context: &Context, call: &Conv2dLaunch<'_>, y: &Buffer) -> Result<()> {
        let packed = call.weight.packed(|weight| self.pack(context, &call.problem, weight))?;
        forward::forward(context, call, y, &packed)
    }

    fn backward_input(
        &self,
        context: &Context,
        problem: &Problem,
        grad_y: &Buffer,
        weight: &Buffer,
        grad_x: &Buffer,
    ) -> Result<()> {
        if narrow::fits(problem) {
            narrow::backward_input(context, problem, grad_y, weight, grad_x)
        } else {
            backward_input::backward_input(context, problem, grad_y, weight, grad_x)
        }
    }

    fn backward_weight(
        &self,
        context: &Context,
        problem: &Problem,
        grad_y: &Buffer,
        x: &Buffer,
        grad_weight: &Buffer,
    ) -> Result<()> {
        backward_weight::backward_weight(context, problem, grad_y, x, grad_weight)
    }
}
