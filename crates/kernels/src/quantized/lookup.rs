//! `qlookup`.

use tilewright_ops::DType;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::Coarsening,
    numbers::vectors,
    params::{ParamsLayout, params},
};

params! { Params for "qlookup" { count: u32, pad0: u32, pad1: u32, pad2: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// The table's entry of each of `count` bytes of `x`, which counts from its least number.
pub fn lookup(
    context: &Context,
    (x, x_type): (&Buffer, DType),
    table: &Buffer,
    y: &Buffer,
    count: usize,
) -> Result<()> {
    let op = "qlookup";
    let words = vectors(op, count)?;
    let params = Params { count: words, pad0: 0, pad1: 0, pad2: 0 };
    let kernel = Specialisation::new(op).with_bool("SIGNED", x_type == DType::I8);
    let (kernel, groups) = Coarsening::of(context).specialise(kernel, words);
    let dispatch = Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &[x, table, y], groups };
    context.dispatch(&kernel, &dispatch)
}
