//! `conv2d_depthwise`, which for stride 1 is also the gradient by the input.

use tilewright_ops::DType;
use tilewright_runtime::{Buffer, Context, Result};
use tilewright_shaders::Specialisation;

use super::reach::{band, launch, strip, vec4, workgroup};
use crate::{
    base::{
        device::Device,
        epilogue::Epilogue,
        numbers::to_u32,
        params::{ParamsLayout, params},
    },
    convolution::{
        call::Conv2dLaunch,
        geometry::Geometry,
        problem::{Pass, Problem},
    },
};

params! { ForwardParams for "conv2d_depthwise" {
    geometry: Geometry,
    band: u32, bands: u32, strips: u32, units: u32,
    p0: f32, p1: f32,
    pad0: u32, pad1: u32,
} }

pub(crate) const LAYOUT: ParamsLayout = ForwardParams::LAYOUT;

/// What `conv2d_depthwise` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ForwardSpec {
    /// Threads in a workgroup.
    pub workgroup: u32,
    /// Columns of windows of a thread.
    pub strip: u32,
    /// KH, KW.
    pub kernel: [u32; 2],
    /// Stride, height and width.
    pub stride: [u32; 2],
    /// Dilation, height and width.
    pub dilation: [u32; 2],
    /// Channels are a multiple of 4.
    pub vec4: bool,
    /// The kernel is read back to front: the gradient by the input, for stride 1.
    pub flip: bool,
    /// The type of x, weight, residual and y.
    pub dtype: DType,
    /// Bias and activation.
    pub epilogue: Epilogue,
}

impl From<ForwardSpec> for Specialisation {
    fn from(spec: ForwardSpec) -> Self {
        let kernel = Self::new("conv2d_depthwise")
            .with_u32("WORKGROUP", spec.workgroup)
            .with_u32("STRIP", spec.strip)
            .with_u32("KERNEL_H", spec.kernel[0])
            .with_u32("KERNEL_W", spec.kernel[1])
            .with_u32("STRIDE_H", spec.stride[0])
            .with_u32("STRIDE_W", spec.stride[1])
            .with_u32("DILATION_H", spec.dilation[0])
            .with_u32("DILATION_W", spec.dilation[1])
            .with_bool("VEC", spec.vec4)
            .with_bool("FLIP", spec.flip);
        let kernel = if spec.dtype == DType::F16 { kernel.with_type("Operand", "f16") } else { kernel };
        spec.epilogue.specialise(kernel)
    }
}

/// The convolution with what is added and applied to its sums.
pub(super) fn forward(context: &Context, call: &Conv2dLaunch<'_>, y: &Buffer, packed: &Buffer) -> Result<()> {
    let [bias, residual] = call.addends(y, packed);
    let buffers = [call.x, packed, bias, residual, y];
    let (epilogue, parameters) = (call.epilogue(y), call.parameters());
    gather(context, Pass::Forward, &call.problem, false, epilogue, parameters, &buffers)
}

/// The forward kernel, or with `flip` the same on the output's gradient.
pub(super) fn gather(
    context: &Context,
    pass: Pass,
    problem: &Problem,
    flip: bool,
    epilogue: Epilogue,
    [p0, p1]: [f32; 2],
    buffers: &[&Buffer],
) -> Result<()> {
    let op = pass.name();
    let mut geometry = Geometry::new(op, problem)?;
    if flip {
        let mut padding = geometry.padding;
        for (axis, padding) in padding.iter_mut().enumerate() {
            // Negative where there is more padding than kernel: the kernel adds modulo 2^32.
            let reach = geometry.dilation[axis] * (geometry.w_shape[2 + axis] - 1);
            *padding = reach.wrapping_sub(*padding);
        }
        geometry = geometry.reversed(padding);
    }
    let (from, to) = (geometry.x_shape, geometry.y_shape);
    let device = Device::of(context);
    let strip = strip(problem, to[3] as usize);
    let strips = to[3].div_ceil(strip as u32);
    let units_of_a_row = to[0] as usize * strips as usize * from[1].div_ceil(4) as usize;
    let band = to_u32(op, band(&device, to[2] as usize, units_of_a_row))?;
    let bands = to[2].div_ceil(band);
    let units = units_of_a_row * bands as usize;
    let workgroup = workgroup(&device);
    let params =
        ForwardParams { geometry, band, bands, strips, units: to_u32(op, units)?, p0, p1, pad0: 0, pad1: 0 };
    let spec = ForwardSpec {
        workgroup,
        strip: strip as u32,
        kernel: [geometry.w_shape[2], geometry.w_shape[3]],
        stride: geometry.stride,
        dilation: geometry.dilation,
        vec4: vec4(problem),
        flip,
        dtype: problem.dtype,
        epilogue,
    };
    let workgroups = units.div_ceil(workgroup as usize);
    launch(context, op, &spec.into(), bytemuck::bytes_of(&params), buffers, workgroups)
}
