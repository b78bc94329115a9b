//! `qconv2d_implicit_gemm`.

use tilewright_ops::QConv2d;
use tilewright_runtime::{Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{
    call::{Numbers, Operands, QConv2dLaunch},
    prepare::{Order, pack},
};
use crate::{
    base::{
        numbers::to_u32,
        params::{ParamsLayout, params},
    },
    convolution::geometry::Geometry,
};

params! { Params for "qconv2d_implicit_gemm" {
    geometry: Geometry,
    input_words: u32, output_words: u32, pixel_tiles: u32, channel_tiles: u32,
    workgroups: u32, length: u32, padding_word: u32, flip: u32,
    y_zero: i32, low: f32, high: f32, residual_zero: i32,
    residual_multiplier: f32, pad0: u32, pad1: u32, pad2: u32,
} }

pub(super) const LAYOUT: ParamsLayout = Params::LAYOUT;

/// Pixels and output channels of a workgroup's tile.
const TILE: usize = 64;

/// With products of four bytes, or in f32.
pub(super) fn run(
    context: &Context,
    call: &QConv2dLaunch<'_>,
    operands: &Operands<'_>,
    real: bool,
) -> Result<()> {
    let op = QConv2d::OP;
    let number = |value| to_u32(op, value);
    let packed = pack(context, call, &Order::Inputs)?;
    let Numbers { input_words, output_words, padding_word, flip, y_zero, low, high, .. } = call.numbers()?;
    let Numbers { residual_zero, residual_multiplier, .. } = call.numbers()?;
    let ([n, _, h, w], [_, _, kh, kw]) = (call.problem.y_shape, call.problem.w_shape);
    let (pixel_tiles, channel_tiles) = ((n * h * w).div_ceil(TILE), call.padded()[1].div_ceil(TILE));
    let workgroups = pixel_tiles * channel_tiles * call.problem.op.groups;
    let params = Params {
        geometry: Geometry::new(op, &call.problem)?,
        input_words,
        output_words,
        pixel_tiles: number(pixel_tiles)?,
        channel_tiles: number(channel_tiles)?,
        workgroups: number(workgroups)?,
        length: number(kh * kw * input_words as usize)?,
        padding_word,
        flip,
        y_zero,
        low,
        high,
        residual_zero,
        residual_multiplier,
        pad0: 0,
        pad1: 0,
        pad2: 0,
    };
    let kernel = call.specialise(Specialisation::new("qconv2d_implicit_gemm").with_bool("REAL", real));
    let buffers = &[operands.x, &packed, operands.constants, operands.residual, operands.y];
    let groups = workgroups as u64;
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })
}
