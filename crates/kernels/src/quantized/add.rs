//! `qadd`.

use tilewright_ops::{DType, Steps, quantized::Addend};
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::Coarsening,
    numbers::vectors,
    params::{ParamsLayout, params},
};

params! { Params for "qadd" {
    count: u32, a_zero: i32, b_zero: i32, a_multiplier: f32,
    b_multiplier: f32, y_zero: i32, low: f32, high: f32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// The sum of two tensors of bytes of `count` elements, of these types and meanings.
pub fn add(
    context: &Context,
    operands: [(&Buffer, DType, Addend); 2],
    y: &Buffer,
    steps: &Steps,
    count: usize,
) -> Result<()> {
    let op = "qadd";
    let words = vectors(op, count)?;
    let [(a, a_type, a_means), (b, b_type, b_means)] = operands;
    let params = Params {
        count: words,
        a_zero: a_means.zero_point,
        b_zero: b_means.zero_point,
        a_multiplier: a_means.multiplier,
        b_multiplier: b_means.multiplier,
        y_zero: steps.zero_point,
        low: (steps.low - steps.zero_point) as f32,
        high: (steps.high - steps.zero_point) as f32,
    };
    let kernel = Specialisation::new(op)
        .with_bool("A_SIGNED", a_type == DType::I8)
        .with_bool("B_SIGNED", b_type == DType::I8);
    let (kernel, groups) = Coarsening::of(context).specialise(kernel, words);
    let dispatch = Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &[a, b, y], groups };
    context.dispatch(&kernel, &dispatch)
}
