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
    residual_zero: i32, residual_multiplier: f32, pad0: u32, pad1: u32,
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
    let count = number(n * h * strips * words / width)?;
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
        pad0: 0,
        pad1: 0,
    };
    let (stride, dilation) = (call.problem.op.stride[1], call.problem.op.dilation[1]);
    let device = Device::of(context);
    // A subgroup of llvmpipe gains nothing from others beside it.
    let workgroup = if device.class == DeviceClass::SoftwareVulkan { device.lanes } else { WORKGROUP };
    let kernel = Specialisation::new("qconv2d_depthwise")
        .with_u32("WORKGROUP", workgroup)
        .with_u32("WIDTH", width as u32)
        .with_u32("STRIP", STRIP as u32)
        .with_u32("KERNEL_W", number(call.problem.w_shape[3])?)
        .with_u32("STRIDE_W", number(stride)?)
        .with_u32("DILATION_W", number(dilation)?);
    let kernel = call.specialise(kernel);
    let buffers = &[operands.x, &packed, operands.constants, operands.residual, operands.y];
    let groups = u64::from(count.div_ceil(workgroup));
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })
}
