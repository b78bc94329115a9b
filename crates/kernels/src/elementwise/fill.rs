//! `fill`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::Coarsening,
    numbers::vectors,
    params::{ParamsLayout, params},
};

params! { Params for "fill" { runs: u32, bits: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// Sets `count` elements of 4 bytes to `bits`.
pub fn fill(context: &Context, y: &Buffer, count: usize, bits: u32) -> Result<()> {
    let vectors = vectors("fill", count)?;
    let coarsening = Coarsening::of(context);
    // Nothing is read, and so nothing touched.
    let (kernel, groups, runs) = coarsening.specialise_stores(context, Specialisation::new("fill"), vectors);
    let params = Params { runs, bits };
    let dispatch = Dispatch { op: "fill", params: bytemuck::bytes_of(&params), buffers: &[y], groups };
    context.dispatch(&kernel, &dispatch)
}
