//! `qconv2d_pack_weight` and `qconv2d_constants`: what follows from a weight alone. In a plan it is computed once.

use tilewright_ops::{DType, QConv2d};
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{algorithm::QConv2dAlgorithm, call::QConv2dLaunch};
use crate::{
    base::{
        numbers::{WORKGROUP, to_u32, workgroups},
        params::{ParamsLayout, params},
    },
    quantized::channels::padded,
};

params! { PackParams for "qconv2d_pack_weight" {
    count: u32, inputs: u32, padded: u32, outputs: u32,
    taps: u32, tile: u32, tiles: u32, flip: u32,
} }

params! { ConstantParams for "qconv2d_constants" {
    count: u32, padded: u32, outputs: u32, length: u32,
    terms: u32, x_zero: i32, flip: u32, pad: u32,
} }

pub(super) const LAYOUTS: [ParamsLayout; 2] = [PackParams::LAYOUT, ConstantParams::LAYOUT];

const OP: &str = QConv2d::OP;

/// The order of a packed weight.
pub(super) enum Order {
    /// A word holds four output channels, by tiles of so many.
    Outputs {
        /// A multiple of four.
        tile: usize,
    },
    /// A word holds four input channels.
    Inputs,
    /// A word holds four channels of a depthwise weight.
    Channels,
}

fn flip(dtype: DType) -> u32 {
    if dtype == DType::U8 { 0x80 } else { 0 }
}

/// The weight in `order`.
pub(super) fn pack(context: &Context, call: &QConv2dLaunch<'_>, order: &Order) -> Result<Buffer> {
    let number = |value| to_u32(OP, value);
    let ([inputs, outputs], taps) =
        (call.problem.group_channels(), call.problem.w_shape[2] * call.problem.w_shape[3]);
    let groups = call.problem.op.groups;
    let (groups, inputs, padded_inputs, outputs, tile) = match *order {
        Order::Outputs { tile } => (groups, inputs, padded(inputs), outputs, tile),
        Order::Inputs => (groups, inputs, padded(inputs), outputs, padded(outputs)),
        // All channels as the outputs of one input.
        Order::Channels => (1, 1, 1, call.problem.w_shape[0], padded(call.problem.w_shape[0])),
    };
    let tiles = outputs.div_ceil(tile);
    let words = groups * tiles * tile * taps * padded_inputs / 4;
    let params = PackParams {
        count: number(words)?,
        inputs: number(inputs)?,
        padded: number(padded_inputs)?,
        outputs: number(outputs)?,
        taps: number(taps)?,
        tile: number(tile)?,
        tiles: number(tiles)?,
        flip: flip(call.weight_type),
    };
    number(groups * outputs * inputs * taps)?;
    let packed = context.alloc(words as u64 * 4)?;
    let kernel = Specialisation::new("qconv2d_pack_weight")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_bool("BY_OUTPUTS", !matches!(order, Order::Inputs));
    let buffers = &[call.weight, &packed];
    let groups = workgroups(params.count);
    context.dispatch(&kernel, &Dispatch { op: OP, params: bytemuck::bytes_of(&params), buffers, groups })?;
    Ok(packed)
}

/// Three vec4s for each word of output channels.
pub(super) fn constants(
    context: &Context,
    call: &QConv2dLaunch<'_>,
    algorithm: QConv2dAlgorithm,
) -> Result<Buffer> {
    let number = |value| to_u32(OP, value);
    let ([inputs, outputs], taps) =
        (call.problem.group_channels(), call.problem.w_shape[2] * call.problem.w_shape[3]);
    let (groups, outputs, terms) = match algorithm {
        QConv2dAlgorithm::Depthwise => (1, call.problem.w_shape[0], taps),
        _ => (call.problem.op.groups, outputs, padded(inputs) * taps),
    };
    let count = groups * padded(outputs);
    let params = ConstantParams {
        count: number(count)?,
        padded: number(padded(outputs))?,
        outputs: number(outputs)?,
        length: number(inputs * taps)?,
        terms: number(terms)?,
        x_zero: call.op.x_zero - if call.x_type == DType::U8 { 128 } else { 0 },
        flip: flip(call.weight_type),
        pad: 0,
    };
    let constants = context.alloc(count as u64 * 12)?;
    let kernel = Specialisation::new("qconv2d_constants")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_bool("HAS_BIAS", call.bias.is_some())
        .with_bool("HAS_MULTIPLIER", call.multiplier.is_some())
        .with_bool("HAS_ZERO", call.weight_zero.is_some());
    // The weight stands in for what is not there.
    let [bias, multiplier, zero] =
        [call.bias, call.multiplier, call.weight_zero].map(|buffer| buffer.unwrap_or(call.weight));
    let buffers = &[call.weight, bias, multiplier, zero, &constants];
    let groups = workgroups(params.count);
    context.dispatch(&kernel, &Dispatch { op: OP, params: bytemuck::bytes_of(&params), buffers, groups })?;
    Ok(constants)
}
