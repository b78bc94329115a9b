//! `quantize`.

use tilewright_ops::{DType, Quantization};
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::Coarsening,
    numbers::{to_u32, vectors},
    params::{ParamsLayout, params},
};

params! { Params for "quantize" {
    count: u32, inner: u32, channels: u32, low: i32,
    high: i32, pad0: u32, pad1: u32, pad2: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// Scales (f32) and zero points (i32): one of each, or one for each index of an axis.
#[derive(Clone, Copy)]
pub struct Scales<'a> {
    /// The scales.
    pub scale: &'a Buffer,
    /// The zero points.
    pub zero_point: &'a Buffer,
    /// Of an axis: its extent, and the distance of neighbours along it in memory.
    pub axis: Option<[usize; 2]>,
}

impl Scales<'_> {
    /// Whether an axis has numbers of its own, its extent and the distance of neighbours.
    pub(super) fn places(&self, op: &str) -> Result<(bool, u32, u32)> {
        let [channels, inner] = self.axis.unwrap_or([1, 1]);
        Ok((self.axis.is_some(), to_u32(op, channels)?, to_u32(op, inner)?))
    }
}

/// `y = clamp(round(x / scale) + zero point)` over `count` elements, x of f32 and y of `dtype`, an i8 or u8.
pub fn quantize(
    context: &Context,
    x: &Buffer,
    scales: Scales<'_>,
    y: &Buffer,
    dtype: DType,
    count: usize,
) -> Result<()> {
    let op = "quantize";
    let words = vectors(op, count)?;
    to_u32(op, count)?;
    let (own, channels, inner) = scales.places(op)?;
    let (low, high) = Quantization::range(dtype).unwrap_or_default();
    let params = Params { count: words, inner, channels, low, high, pad0: 0, pad1: 0, pad2: 0 };
    let kernel = Specialisation::new(op).with_bool("CHANNELS", own);
    let (kernel, groups) = Coarsening::of(context).specialise(kernel, words);
    let buffers = &[x, scales.scale, scales.zero_point, y];
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })
}
