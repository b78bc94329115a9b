//! `qconv2d_lanes`.

use tilewright_ops::QConv2d;
use tilewright_runtime::{Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{
    call::{Numbers, Operands, QConv2dLaunch},
    prepare::{Order, pack},
};
use crate::{
    base::{
        device::Device,
        numbers::to_u32,
        params::{ParamsLayout, params},
    },
    convolution::geometry::Geometry,
};

params! { Params for "qconv2d_lanes" {
    geometry: Geometry,
    input_words: u32, output_words: u32, pixel_tiles: u32, channel_tiles: u32,
    workgroups: u32, turns: u32, chunk: u32, padding_word: u32,
    flip: u32, y_zero: i32, low: f32, high: f32,
    residual_zero: i32, residual_multiplier: f32, pad0: u32, pad1: u32,
} }

pub(super) const LAYOUT: ParamsLayout = Params::LAYOUT;

/// Products of bytes whose sum f32 holds exactly.
const EXACT: usize = 1024;

/// What `qconv2d_lanes` is compiled for, besides what all kernels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Spec {
    lanes: usize,
    pixels: usize,
    channels: usize,
    width: usize,
    long: bool,
    wide: bool,
}

impl Spec {
    fn new(lanes: usize, call: &QConv2dLaunch<'_>) -> Self {
        let [inputs, outputs] = call.padded();
        let [n, _, h, w] = call.problem.y_shape;
        let channels = match outputs {
            0..=4 => 4,
            5..=8 => 8,
            _ if outputs.is_multiple_of(32) => 32,
            _ => 16,
        };
        let width = if inputs.is_multiple_of(8) { 2 } else { 1 };
        let pixels = if n * h * w <= 2 * lanes { 2 } else { 4 };
        let turns = call.problem.w_shape[2] * call.problem.w_shape[3] * inputs / (4 * width);
        let long = turns > EXACT / (4 * width);
        let wide = channels >= 16
            && outputs.is_multiple_of(channels)
            && (outputs / 4 * call.problem.op.groups).is_multiple_of(4);
        Self { lanes, pixels, channels, width, long, wide }
    }

    fn specialisation(self) -> Specialisation {
        Specialisation::new("qconv2d_lanes")
            .with_u32("LANES", self.lanes as u32)
            .with_u32("PIXELS", self.pixels as u32)
            .with_u32("CHANNELS", self.channels as u32)
            .with_u32("WIDTH", self.width as u32)
            .with_bool("LONG", self.long)
            .with_bool("WIDE", self.wide)
    }
}

pub(super) fn run(context: &Context, call: &QConv2dLaunch<'_>, operands: &Operands<'_>) -> Result<()> {
    let op = QConv2d::OP;
    let number = |value| to_u32(op, value);
    let spec = Spec::new(Device::of(context).lanes as usize, call);
    let packed = pack(context, call, &Order::Outputs { tile: spec.channels })?;
    let Numbers { input_words, output_words, padding_word, flip, y_zero, low, high, .. } = call.numbers()?;
    let Numbers { residual_zero, residual_multiplier, .. } = call.numbers()?;
    let ([n, _, h, w], [_, _, kh, kw]) = (call.problem.y_shape, call.problem.w_shape);
    let pixel_tiles = (n * h * w).div_ceil(spec.lanes * spec.pixels);
    let channel_tiles = call.padded()[1].div_ceil(spec.channels);
    let workgroups = pixel_tiles * channel_tiles * call.problem.op.groups;
    let params = Params {
        geometry: Geometry::new(op, &call.problem)?,
        input_words,
        output_words,
        pixel_tiles: number(pixel_tiles)?,
        channel_tiles: number(channel_tiles)?,
        workgroups: number(workgroups)?,
        turns: number(kh * kw * input_words as usize / spec.width)?,
        chunk: number(EXACT / (4 * spec.width))?,
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
    let kernel = call.specialise(spec.specialisation());
    let buffers = &[operands.x, &packed, operands.constants, operands.residual, operands.y];
    let groups = workgroups as u64;
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })
}
