//! `conv2d_depthwise_backward_input_blocks`.

use tilewright_runtime::{Buffer, Context, Result};
use tilewright_shaders::Specialisation;

use super::reach::{MOST_LOADS, MOST_WRITTEN_OUT, band, extent, launch, vec4, workgroup};
use crate::{
    base::{
        device::Device,
        numbers::to_u32,
        params::{ParamsLayout, params},
    },
    convolution::{
        geometry::Geometry,
        problem::{Pass, Problem},
    },
};

params! { BlocksParams for "conv2d_depthwise_backward_input_blocks" {
    geometry: Geometry,
    band: u32, bands: u32, strips: u32, units: u32,
} }

pub(crate) const LAYOUT: ParamsLayout = BlocksParams::LAYOUT;

/// What `conv2d_depthwise_backward_input_blocks` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlocksSpec {
    /// Threads in a workgroup.
    pub workgroup: u32,
    /// Blocks of a row of a thread.
    pub strip: u32,
    /// KH, KW.
    pub kernel: [u32; 2],
    /// Stride, height and width.
    pub stride: [u32; 2],
    /// Dilation, height and width.
    pub dilation: [u32; 2],
    /// Padding, height and width.
    pub padding: [u32; 2],
    /// Rows and columns of the output's gradient before a block's own that reach it.
    pub before: [u32; 2],
    /// Channels are a multiple of 4.
    pub vec4: bool,
}

impl From<BlocksSpec> for Specialisation {
    fn from(spec: BlocksSpec) -> Self {
        Self::new("conv2d_depthwise_backward_input_blocks")
            .with_u32("WORKGROUP", spec.workgroup)
            .with_u32("STRIP", spec.strip)
            .with_u32("KERNEL_H", spec.kernel[0])
            .with_u32("KERNEL_W", spec.kernel[1])
            .with_u32("STRIDE_H", spec.stride[0])
            .with_u32("STRIDE_W", spec.stride[1])
            .with_u32("DILATION_H", spec.dilation[0])
            .with_u32("DILATION_W", spec.dilation[1])
            .with_u32("PADDING_H", spec.padding[0])
            .with_u32("PADDING_W", spec.padding[1])
            .with_u32("ABOVE", spec.before[0])
            .with_u32("BEFORE", spec.before[1])
            .with_bool("VEC", spec.vec4)
    }
}

/// Rows (or columns, by `axis`) of the output's gradient that reach a block of pixels: those before its own, and all.
fn reaching(problem: &Problem, axis: usize) -> [usize; 2] {
    let (stride, padding) = (problem.op.stride[axis], problem.op.padding[axis]);
    let before = (extent(problem, axis, 1) - 1).saturating_sub(padding) / stride;
    let after = (stride - 1).saturating_add(padding) / stride;
    [before, before.saturating_add(after).saturating_add(1)]
}

/// Blocks of a row of a thread, if the pixels of a block and what reaches them are few enough to be written out.
pub(super) fn blocks(problem: &Problem) -> Option<usize> {
    let stride = problem.op.stride;
    let [rows, columns] = [0, 1].map(|axis| reaching(problem, axis)[1]);
    let pixels = stride[0].saturating_mul(stride[1]);
    if pixels > 16 || rows.saturating_mul(columns.saturating_add(1)) > MOST_WRITTEN_OUT {
        return None;
    }
    let accesses = |strip: usize| columns + strip - 1 + pixels * strip;
    Some(if accesses(2) <= MOST_LOADS + 1 && problem.x_shape[3] > stride[1] { 2 } else { 1 })
}

/// The gradient of x by blocks of one stride, `strip` of them for a thread.
pub(super) fn backward_input(
    context: &Context,
    problem: &Problem,
    strip: usize,
    buffers: [&Buffer; 3],
) -> Result<()> {
    let op = Pass::BackwardInput.name();
    let geometry = Geometry::new(op, problem)?;
    let ([n, channels, h, w], stride) = (problem.x_shape, problem.op.stride);
    let strips = w.div_ceil(stride[1] * strip);
    let units_of_a_row = n * strips * channels.div_ceil(4);
    let rows = h.div_ceil(stride[0]);
    let device = Device::of(context);
    let band = band(&device, rows, units_of_a_row);
    let bands = rows.div_ceil(band);
    let (units, workgroup) = (units_of_a_row * bands, workgroup(&device));
    let params = BlocksParams {
        geometry,
        band: to_u32(op, band)?,
        bands: to_u32(op, bands)?,
        strips: to_u32(op, strips)?,
        units: to_u32(op, units)?,
    };
    let spec = BlocksSpec {
        workgroup,
        strip: strip as u32,
        kernel: [geometry.w_shape[2], geometry.w_shape[3]],
        stride: geometry.stride,
        dilation: geometry.dilation,
        padding: geometry.padding,
        before: [to_u32(op, reaching(problem, 0)[0])?, to_u32(op, reaching(problem, 1)[0])?],
        vec4: vec4(problem),
    };
    let workgroups = units.div_ceil(workgroup as usize);
    launch(context, op, &spec.into(), bytemuck::bytes_of(&params), &buffers, workgroups)
}
