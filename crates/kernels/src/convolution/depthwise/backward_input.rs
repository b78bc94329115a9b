//! `conv2d_depthwise_backward_input`.

use tilewright_runtime::{Buffer, Context, Result};
use tilewright_shaders::Specialisation;

use super::reach::{launch, vec4};
use crate::{
    base::{
        numbers::to_u32,
        params::{ParamsLayout, params},
    },
    convolution::{
        geometry::Geometry,
        problem::{Pass, Problem},
    },
};

params! { InputParams for "conv2d_depthwise_backward_input" {
    geometry: Geometry,
    units: u32,
    pad0: u32, pad1: u32, pad2: u32,
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
    let geometry = Geometry::new(op, problem)?;
    let [n, channels, h, w] = problem.x_shape;
    let units = n * h * w * channels.div_ceil(4);
    let params = InputParams { geometry, units: to_u32(op, units)?, pad0: 0, pad1: 0, pad2: 0 };
    let spec = InputSpec { dilation: geometry.dilation, vec4: vec4(problem) };
    let buffers = [grad_y, packed, grad_x];
    launch(context, op, &spec.into(), bytemuck::bytes_of(&params), &buffers, units.div_ceil(64))
}
