//! `qconv2d_depthwise`.

use tilewright_ops::QConv2d;
use tilewright_runtime::{Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{
    call::{Numbers, Operands, QConv2dLaunch},
    prepare::{Order, pack},
};
use crate::{
    base::{
        device::{Device, DeviceClass},
        numbers::{WORKGROUP, to_u32},
        params::{ParamsLayout, params},
    },
    convolution::geometry::Geometry,
    quantized::channels::padded,
};

params! { Params for "qconv2d_depthwise" {
    geometry: Geometry,
    words: u32, strips: u32, count: u32, padding_word: u32,
    flip: u32, y_zero: i32, low: f32, high: f32,
    residual_zero: i32, residual_multiplier: f32, band: u32, bands: u32,
} }

pub(super) const LAYOUT: ParamsLayout = Params::LAYOUT;

/// Pixels of a thread.
const STRIP: usize = 4;

pub(super) fn run(context: &Context, call: &QConv2dLaunch<'_>, operands: &Operands<'_>) -> Result<()> {
    let op = QConv2d::OP;
    let number = |value| to_u32(op, value);
    let packed = pack(context, call, &Order::Channels)?;
    let Numbers { padding_word, flip, y_zero, low, high, residual_zero, residual_multiplier, .. } =
        call.numbers()?;
    let [n, channels, h, w] = call.problem.y_shape;
    let words = padded(channels) / 4;
    let width = if words.is_multiple_of(2) { 2 } else { 1 };
    let strips = w.div_ceil(STRIP);
    let device = Device::of(context);
    // As many rows as leave enough threads, for the first rows of x are read for nothing.
    let (threads, least) = match device.class {
        DeviceClass::SoftwareVulkan => (64 * device.lanes as usize, 8),
        DeviceClass::Gpu => (1 << 16, 4),
    };
    let units = n * strips * words / width;
    let bands = threads.div_ceil(units).min(h / least).max(h.div_ceil(1024)).max(1);
    let band = h.div_ceil(bands);
    let bands = h.div_ceil(band);
    let count = number(units * bands)?;
    let params = Params {
        geometry: Geometry::new(op, &call.problem)?,
        words: number(words)?,
        strips: number(strips)?,
        count,
        padding_word,
        flip,
        y_zero,
        low,
        high,
        residual_zero,
        residual_multiplier,
        band: number(band)?,
        bands: number(bands)?,
    };
    let (stride, dilation) = (call.problem.op.stride, call.problem.op.dilation);
    // A subgroup of llvmpipe gains nothing from others beside it.
    let workgroup = if device.class == DeviceClass::SoftwareVulkan { device.lanes } else { WORKGROUP };
    let kernel = Specialisation::new("qconv2d_depthwise")
        .with_u32("WORKGROUP", workgroup)
        .with_u32("WIDTH", width as u32)
        .with_u32("STRIP", STRIP as u32)
        .with_u32("KERNEL_H", number(call.problem.w_shape[2])?)
        .with_u32("KERNEL_W", number(call.problem.w_shape[3])?)
        .with_u32("STRIDE_H", number(stride[0])?)
        .with_u32("STRIDE_W", number(stride[1])?)
        .with_u32("DILATION_H", number(dilation[0])?)
        .with_u32("DILATION_W", number(dilation[1])?);
    let kernel = call.specialise(kernel);
    let buffers = &[operands.x, &packed, operands.constants, operands.residual, operands.y];
    let groups = u64::from(count.div_ceil(workgroup));
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })
}
