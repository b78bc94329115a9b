//! `qmul`.

use tilewright_ops::{DType, Steps};
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::Coarsening,
    numbers::vectors,
    params::{ParamsLayout, params},
};

params! { Params for "qmul" {
    count: u32, a_zero: i32, b_zero: i32, multiplier: f32,
    y_zero: i32, low: i32, high: i32, pad0: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// The product of two tensors of bytes of `count` elements, of these types and zero points.
pub fn mul(
    context: &Context,
    operands: [(&Buffer, DType, i32); 2],
    multiplier: f32,
    y: &Buffer,
    steps: &Steps,
    count: usize,
) -> Result<()> {
    let op = "qmul";
    let words = vectors(op, count)?;
    let [(a, a_type, a_zero), (b, b_type, b_zero)] = operands;
    let Steps { zero_point: y_zero, low, high, .. } = *steps;
    let params = Params { count: words, a_zero, b_zero, multiplier, y_zero, low, high, pad0: 0 };
    let kernel = Specialisation::new(op)
        .with_bool("A_SIGNED", a_type == DType::I8)
        .with_bool("B_SIGNED", b_type == DType::I8);
    let (kernel, groups) = Coarsening::of(context).specialise(kernel, words);
    let dispatch = Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &[a, b, y], groups };
    context.dispatch(&kernel, &dispatch)
}
