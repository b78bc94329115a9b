//! `fake_quantize`, and its gradient.

use tilewright_ops::FakeQuantize;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::quantize::Scales;
use crate::base::{
    coarsening::Coarsening,
    numbers::{to_u32, vectors},
    params::{ParamsLayout, params},
};

params! { Params for "fake_quantize" {
    count: u32, inner: u32, channels: u32, pad0: u32,
    low: f32, high: f32, pad1: u32, pad2: u32,
} }

params! { BackwardParams for "fake_quantize_backward" {
    count: u32, inner: u32, channels: u32, factor: f32,
    low: f32, high: f32, pad0: u32, pad1: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT, BackwardParams::LAYOUT];

/// `y = (clamp(round(x / scale) + zero point) − zero point) · scale` over `count` elements.
pub fn fake_quantize(
    context: &Context,
    op: &FakeQuantize,
    x: &Buffer,
    scales: Scales<'_>,
    y: &Buffer,
    count: usize,
) -> Result<()> {
    let name = FakeQuantize::OP;
    let vec4s = vectors(name, count)?;
    to_u32(name, count)?;
    let (own, channels, inner) = scales.places(name)?;
    let (low, high) = (op.low as f32, op.high as f32);
    let params = Params { count: vec4s, inner, channels, pad0: 0, low, high, pad1: 0, pad2: 0 };
    let kernel = Specialisation::new(name).with_bool("CHANNELS", own);
    let (kernel, groups) = Coarsening::of(context).specialise(kernel, vec4s);
    let buffers = &[x, scales.scale, scales.zero_point, y];
    context.dispatch(&kernel, &Dispatch { op: name, params: bytemuck::bytes_of(&params), buffers, groups })
}

/// Its gradients by x and, for each element, by the scale; what is not wanted may be `None`.
pub fn fake_quantize_backward(
    context: &Context,
    op: &FakeQuantize,
    [x, grad_y]: [&Buffer; 2],
    scales: Scales<'_>,
    [grad_x, grad_scale]: [Option<&Buffer>; 2],
    count: usize,
) -> Result<()> {
    let name = "fake_quantize_backward";
    let vec4s = vectors(name, count)?;
    to_u32(name, count)?;
    let (own, channels, inner) = scales.places(name)?;
    let (low, high, factor) = (op.low as f32, op.high as f32, op.grad_factor);
    let params = BackwardParams { count: vec4s, inner, channels, factor, low, high, pad0: 0, pad1: 0 };
    let kernel = Specialisation::new(name)
        .with_bool("CHANNELS", own)
        .with_bool("WRITE_X", grad_x.is_some())
        .with_bool("WRITE_SCALE", grad_scale.is_some());
    let (kernel, groups) = Coarsening::of(context).specialise(kernel, vec4s);
    let (unused_x, unused_scale) = (context.alloc(16)?, context.alloc(16)?);
    let (grad_x, grad_scale) = (grad_x.unwrap_or(&unused_x), grad_scale.unwrap_or(&unused_scale));
    let buffers = &[x, scales.scale, scales.zero_point, grad_y, grad_x, grad_scale];
    context.dispatch(&kernel, &Dispatch { op: name, params: bytemuck::bytes_of(&params), buffers, groups })
}
