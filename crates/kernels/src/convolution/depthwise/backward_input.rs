//! `conv2d_depthwise_backward_input`.

use tilewright_runtime::{Buffer, Context, Result};
use tilewright_shaders::Specialisation;

use super::reach::{launch, vec4};
use crate::{
    base::{
        numbers::to_u32,
        params::{ParamsLayout, params},
    },
    convolution::problem::{Pass, Problem},
};

params! { InputParams for "conv2d_depthwise_backward_input" {
    batch: u32, height: u32, width: u32, channels: u32,
    out_height: u32, out_width: u32,
    kernel_h: u32, kernel_w: u32, stride_h: u32, stride_w: u32,
    pad_h: u32, pad_w: u32,
    units: u32,
} }

pub(crate) const LAYOUT: ParamsLayout = InputParams::LAYOUT;

/// What `conv2d_depthwise_backward_input` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InputSpec {
    /// Dilation, height and width.
    pub dilation: [u32; 2],
    /// Channels are a multiple of 4.
    pub vec4: bool,
}

impl From<InputSpec> for Specialisation {
    fn from(spec: InputSpec) -> Self {
        Self::new("conv2d_depthwise_backward_input")
            .with_u32("DILATION_H", spec.dilation[0])
            .with_u32("DILATION_W", spec.dilation[1])
            .with_bool("VEC", spec.vec4)
    }
}

/// The gradient of x for any stride.
pub(super) fn backward_input(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    packed: &Buffer,
    grad_x: &Buffer,
) -> Result<()> {
    let op = Pass::BackwardInput.name();
    let shared = problem.params(op, 0, None)?;
    let [n, channels, h, w] = problem.x_shape;
    let units = n * h * w * channels.div_ceil(4);
    let params = InputParams {
        batch: shared.x_shape[0],
        height: shared.x_shape[2],
        width: shared.x_shape[3],
        channels: shared.x_shape[1],
        out_height: shared.y_shape[2],
        out_width: shared.y_shape[3],
        kernel_h: shared.w_shape[2],
        kernel_w: shared.w_shape[3],
        stride_h: shared.stride[0],
        stride_w: shared.stride[1],
        pad_h: shared.padding[0],
        pad_w: shared.padding[1],
        units: to_u32(op, units)?,
    };
    let spec = InputSpec { dilation: shared.dilation, vec4: vec4(problem) };
    let buffers = [grad_y, packed, grad_x];
    launch(context, op, &spec.into(), bytemuck::bytes_of(&params), &buffers, units.div_ceil(64))
}
