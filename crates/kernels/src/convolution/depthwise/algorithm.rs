//! One filter to a channel, four channels to a thread.

use tilewright_runtime::{Buffer, Context, Result};

use super::{backward_input, backward_weight, blocks, forward, reach};
use crate::{
    base::{device::Device, epilogue::Epilogue},
    convolution::{
        call::Conv2dLaunch,
        implementation::Implementation,
        pack,
        problem::{Pass, Problem},
    },
};

/// One filter to a channel, four channels to a thread.
pub(crate) struct Depthwise;

impl Implementation for Depthwise {
    fn name(&self) -> &'static str {
        "depthwise"
    }

    fn obstacle(&self, _: &Device, _: Pass, problem: &Problem) -> Option<&'static str> {
        if !problem.is_depthwise() {
            return Some("it needs one filter to a channel");
        }
        (!reach::fits(problem)).then_some("it writes out the loads of a window, 96 at most")
    }

    fn pack(&self, context: &Context, problem: &Problem, weight: &Buffer) -> Result<Buffer> {
        pack::depthwise(context, Pass::Forward.name(), problem, weight)
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
        let pass = Pass::BackwardInput;
        let packed = pack::depthwise(context, pass.name(), problem, weight)?;
        if problem.op.stride == [1, 1] {
            // Nothing is added, so any buffer stands in for bias and residual.
            let buffers = [grad_y, &packed, &packed, &packed, grad_x];
            return forward::gather(context, pass, problem, true, Epilogue::default(), [0.0; 2], &buffers);
        }
        match blocks::blocks(problem) {
            Some(strip) => blocks::backward_input(context, problem, strip, [grad_y, &packed, grad_x]),
            None => backward_input::backward_input(context, problem, grad_y, &packed, grad_x),
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
