//! `qgather`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::Coarsening,
    numbers::{to_u32, vectors},
    params::{ParamsLayout, params},
};

params! { Params for "qgather" {
    count: u32, inner: u32, extent: u32, places: u32,
    elements: u32, pad0: u32, pad1: u32, pad2: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// Bytes along an axis of x: its extent, and the distance of neighbours in memory; y has `count` elements.
pub fn gather(
    context: &Context,
    (x, [extent, inner]): (&Buffer, [usize; 2]),
    (indices, places): (&Buffer, usize),
    y: &Buffer,
    count: usize,
) -> Result<()> {
    let op = "qgather";
    let words = vectors(op, count)?;
    let whole = inner.is_multiple_of(4);
    let params = Params {
        count: words,
        inner: to_u32(op, if whole { inner / 4 } else { inner })?,
        extent: to_u32(op, extent)?,
        places: to_u32(op, places)?,
        elements: to_u32(op, count)?,
        pad0: 0,
        pad1: 0,
        pad2: 0,
    };
    let kernel = Specialisation::new(op).with_bool("WORDS", whole);
    let (kernel, groups) = Coarsening::of(context).specialise(kernel, words);
    let dispatch = Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &[x, indices, y], groups };
    context.dispatch(&kernel, &dispatch)
}
