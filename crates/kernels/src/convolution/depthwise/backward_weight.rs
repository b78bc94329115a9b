//! `conv2d_depthwise_backward_weight`.

use tilewright_runtime::{Buffer, Context, Result};
use tilewright_shaders::Specialisation;

use super::reach::{MOST_LOADS, band, extent, launch, vec4, workgroup};
use crate::{
    base::{
        device::{Device, DeviceClass},
        numbers::to_u32,
        params::{ParamsLayout, params},
    },
    convolution::{
        geometry::Geometry,
        problem::{Pass, Problem},
    },
    matmul::split_k_reduce::{Addends, Reduction, split_k_reduce},
};

/// Subgroups that keep the cores of a software device busy, so that no sum need be cut for more.
const ENOUGH: usize = 6;

params! { WeightParams for "conv2d_depthwise_backward_weight" {
    geometry: Geometry,
    band: u32, bands: u32, strips: u32, all: u32, patches: u32, units: u32,
    pad0: u32, pad1: u32,
} }

pub(crate) const LAYOUT: ParamsLayout = WeightParams::LAYOUT;

/// What `conv2d_depthwise_backward_weight` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WeightSpec {
    /// Threads in a workgroup.
    pub workgroup: u32,
    /// Columns of the output's gradient of a thread.
    pub strip: u32,
    /// KH, KW.
    pub kernel: [u32; 2],
    /// Stride, height and width.
    pub stride: [u32; 2],
    /// Dilation, height and width.
    pub dilation: [u32; 2],
    /// Channels are a multiple of 4.
    pub vec4: bool,
}

impl From<WeightSpec> for Specialisation {
    fn from(spec: WeightSpec) -> Self {
        Self::new("conv2d_depthwise_backward_weight")
            .with_u32("WORKGROUP", spec.workgroup)
            .with_u32("STRIP", spec.strip)
            .with_u32("KERNEL_H", spec.kernel[0])
            .with_u32("KERNEL_W", spec.kernel[1])
            .with_u32("STRIDE_H", spec.stride[0])
            .with_u32("STRIDE_W", spec.stride[1])
            .with_u32("DILATION_H", spec.dilation[0])
            .with_u32("DILATION_W", spec.dilation[1])
            .with_bool("VEC", spec.vec4)
    }
}

/// Whether vec4s of channels make enough threads, so that none shares its sums with another and nothing is left to add.
fn whole_sums(device: &Device, quads: usize) -> bool {
    quads
        >= match device.class {
            DeviceClass::SoftwareVulkan => ENOUGH * device.lanes as usize,
            DeviceClass::Gpu => 1 << 12,
        }
}

pub(super) fn backward_weight(
    context: &Context,
    problem: &Problem,
    grad_y: &Buffer,
    x: &Buffer,
    grad_weight: &Buffer,
) -> Result<()> {
    let op = Pass::BackwardWeight.name();
    let device = Device::of(context);
    let (count, [batch, channels, rows, width]) = (problem.w_count(), problem.y_shape);
    let (stride, kernel) = (problem.op.stride, problem.w_shape);
    let accesses = |strip: usize| extent(problem, 1, strip).saturating_mul(stride[0]).saturating_add(strip);
    let strip =
        [4, 2].into_iter().find(|&strip| width > strip / 2 && accesses(strip) <= MOST_LOADS + 2).unwrap_or(1);
    let (strips, quads) = (width.div_ceil(strip), channels.div_ceil(4));
    let whole = whole_sums(&device, quads);
    let band = if whole { rows.min(1024) } else { band(&device, rows, batch * strips * quads) };
    let bands = rows.div_ceil(band);
    let all = batch * bands * strips;
    // As many patches as leave a thousand threads, as each thread's sums go through memory. None sees more than 16,384
    // pixels, beyond which a sum loses digits.
    let most = if whole { all } else { all * quads / 1024 };
    let patches = most.min(16_384 / ((band + extent(problem, 0, 1)) * strip)).clamp(1, all);
    let splits = all.div_ceil(patches);
    let geometry = Geometry::new(op, problem)?;
    let (units, workgroup) = (splits * quads, workgroup(&device));
    let params = WeightParams {
        geometry,
        band: to_u32(op, band)?,
        bands: to_u32(op, bands)?,
        strips: to_u32(op, strips)?,
        all: to_u32(op, all)?,
        patches: to_u32(op, patches)?,
        units: to_u32(op, units)?,
        pad0: 0,
        pad1: 0,
    };
    to_u32(op, count * splits)?;
    let spec = WeightSpec {
        workgroup,
        strip: strip as u32,
        kernel: [to_u32(op, kernel[2])?, to_u32(op, kernel[3])?],
        stride: geometry.stride,
        dilation: geometry.dilation,
        vec4: vec4(problem),
    };
    let workgroups = units.div_ceil(workgroup as usize);
    let run = |to: &Buffer| {
        launch(context, op, &spec.into(), bytemuck::bytes_of(&params), &[x, grad_y, to], workgroups)
    };
    if splits == 1 {
        return run(grad_weight);
    }
    let partials = context.alloc((splits * count * 4) as u64)?;
    run(&partials)?;
    let reduction = Reduction { count, splits, bias_inner: 1, bias_period: 1, accumulate: false };
    split_k_reduce(context, op, &reduction, &partials, Addends::default(), grad_weight, None)
}
