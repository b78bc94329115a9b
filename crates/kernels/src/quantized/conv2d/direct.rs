//! `qconv2d_direct`.

use tilewright_ops::QConv2d;
use tilewright_runtime::{Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{
    call::{Numbers, Operands, QConv2dLaunch},
    prepare::{Order, pack},
};
use crate::{
    base::{
        numbers::{WORKGROUP, to_u32, workgroups},
        params::{ParamsLayout, params},
    },
    convolution::geometry::Geometry,
};

params! { Params for "qconv2d_direct" {
    geometry: Geometry,
    input_words: u32, output_words: u32, count: u32, padding_word: u32,
    flip: u32, y_zero: i32, low: f32, high: f32,
    residual_zero: i32, residual_multiplier: f32, pad0: u32, pad1: u32,
} }

pub(super) const LAYOUT: ParamsLayout = Params::LAYOUT;

pub(super) fn run(context: &Context, call: &QConv2dLaunch<'_>, operands: &Operands<'_>) -> Result<()> {
    let op = QConv2d::OP;
    let packed = pack(context, call, &Order::Inputs)?;
    let Numbers { input_words, output_words, padding_word, flip, y_zero, low, high, .. } = call.numbers()?;
    let Numbers { residual_zero, residual_multiplier, .. } = call.numbers()?;
    let [n, _, h, w] = call.problem.y_shape;
    let params = Params {
        geometry: Geometry::new(op, &call.problem)?,
        input_words,
        output_words,
        count: to_u32(op, n * h * w * call.problem.op.groups * output_words as usize)?,
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
    let kernel = call.specialise(Specialisation::new("qconv2d_direct").with_u32("WORKGROUP", WORKGROUP));
    let buffers = &[operands.x, &packed, operands.constants, operands.residual, operands.y];
    let groups = workgroups(params.count);
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })
}
