//! `dequantize`.

use tilewright_ops::DType;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::quantize::Scales;
use crate::base::{
    coarsening::Coarsening,
    numbers::{to_u32, vectors},
    params::{ParamsLayout, params},
};

params! { Params for "dequantize" { count: u32, inner: u32, channels: u32, pad: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// `y = (x − zero point) · scale` over `count` elements, x of `dtype`, an i8, u8 or i32, and y of f32.
pub fn dequantize(
    context: &Context,
    x: &Buffer,
    dtype: DType,
    scales: Scales<'_>,
    y: &Buffer,
    count: usize,
) -> Result<()> {
    let op = "dequantize";
    let vectors = vectors(op, count)?;
    to_u32(op, count)?;
    let (own, channels, inner) = scales.places(op)?;
    let params = Params { count: vectors, inner, channels, pad: 0 };
    let kernel = Specialisation::new(op)
        .with_bool("CHANNELS", own)
        .with_bool("WORDS", dtype == DType::I32)
        .with_bool("SIGNED", dtype != DType::U8);
    let (kernel, groups) = Coarsening::of(context).specialise(kernel, vectors);
    let buffers = &[x, scales.scale, scales.zero_point, y];
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })
}
