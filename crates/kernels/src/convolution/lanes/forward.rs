//! `conv2d_lanes`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::tile::{channel_tile, large};
use crate::{
    base::{
        device::Device,
        epilogue::{Epilogue, Windows},
        numbers::to_u32,
        params::{ParamsLayout, params},
    },
    convolution::{
        call::Conv2dLaunch,
        geometry::Geometry,
        problem::{Pass, Problem},
    },
};

params! { ForwardParams for "conv2d_lanes" {
    geometry: Geometry,
    pixel_tiles: u32, channel_tiles: u32, workgroups: u32,
    p0: f32, p1: f32, divisor: f32,
    pad0: u32, pad1: u32,
} }

pub(crate) const LAYOUT: ParamsLayout = ForwardParams::LAYOUT;

/// What `conv2d_lanes` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ForwardSpec {
    /// Lanes of a subgroup.
    pub lanes: u32,
    /// Pixels of a lane.
    pub pixels: u32,
    /// Output channels of a workgroup.
    pub channels: u32,
    /// Channels in a load of x: 4 or 1.
    pub width: u32,
    /// Loads of x for a pixel and turn.
    pub steps: u32,
    /// Weights and y are accessed by vec4.
    pub vec4: bool,
    /// Bias and activation.
    pub epilogue: Epilogue,
}

impl From<ForwardSpec> for Specialisation {
    fn from(spec: ForwardSpec) -> Self {
        let kernel = Self::new("conv2d_lanes")
            .with_u32("LANES", spec.lanes)
            .with_u32("PIXELS", spec.pixels)
            .with_u32("CHANNELS", spec.channels)
            .with_u32("WIDTH", spec.width)
            .with_u32("STEPS", spec.steps)
            .with_bool("VEC_W", spec.vec4);
        spec.epilogue.specialise(kernel)
    }
}

impl ForwardSpec {
    fn new(lanes: u32, problem: &Problem, epilogue: Epilogue) -> Self {
        let ([inputs, outputs], pixels) = (problem.group_channels(), problem.y_pixels());
        let (width, steps) = match problem.terms() {
            _ if inputs.is_multiple_of(4) => (4, 1),
            terms if terms <= 9 => (1, 1),
            terms if terms.is_multiple_of(3) => (1, 3),
            _ => (1, 4),
        };
        let channels = channel_tile(outputs, if large(problem) { 32 } else { 16 }) as u32;
        let pixels = match epilogue.pool {
            Some(windows) => windows.pixels(),
            None if pixels <= 16 => 2,
            None => 4,
        };
        Self { lanes, pixels, channels, width, steps, vec4: outputs.is_multiple_of(4), epilogue }
    }
}

/// Whether a lane's pixels are those of a window, as many as it has otherwise.
pub(super) fn pools(windows: Windows) -> bool {
    windows.pixels() == 4
}

/// The convolution, and with windows their pooling.
pub(super) fn forward(context: &Context, call: &Conv2dLaunch<'_>, y: &Buffer, packed: &Buffer) -> Result<()> {
    let op = Pass::Forward.name();
    let number = |value| to_u32(op, value);
    let problem = &call.problem;
    let lanes = Device::of(context).lanes as usize;
    let spec = ForwardSpec::new(lanes as u32, problem, call.epilogue(y));
    let pixel_tiles = match call.windows() {
        Some(Windows { size, .. }) => {
            let [n, _, h, w] = problem.y_shape;
            (n * (h / size[0] as usize) * (w / size[1] as usize)).div_ceil(lanes)
        }
        None => problem.y_pixels().div_ceil(lanes * spec.pixels as usize),
    };
    let channel_tiles = problem.group_channels()[1].div_ceil(spec.channels as usize);
    let workgroups = pixel_tiles * channel_tiles * problem.op.groups;
    let [p0, p1] = call.parameters();
    let params = ForwardParams {
        geometry: Geometry::new(op, problem)?,
        pixel_tiles: number(pixel_tiles)?,
        channel_tiles: number(channel_tiles)?,
        workgroups: number(workgroups)?,
        p0,
        p1,
        divisor: call.divisor(),
        pad0: 0,
        pad1: 0,
    };
    let [bias, residual] = call.addends(y, packed);
    let buffers = [call.x, packed, bias, residual, y];
    let dispatch =
        Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &buffers, groups: workgroups as u64 };
    context.dispatch(&spec.into(), &dispatch)
}
