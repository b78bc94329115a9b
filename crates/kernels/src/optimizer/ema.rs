//! `ema`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::Coarsening,
    numbers::vectors,
    params::{ParamsLayout, params},
};

params! { Params for "ema" { vectors: u32, keep: f32, rest: f32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// `average ← keep · average + (1 − keep) · parameter`, in place.
pub fn ema(context: &Context, keep: f64, parameter: &Buffer, average: &Buffer, count: usize) -> Result<()> {
    let vectors = vectors("ema", count)?;
    let (kernel, groups) = Coarsening::of(context).specialise(Specialisation::new("ema"), vectors);
    let params = Params { vectors, keep: keep as f32, rest: (1.0 - keep) as f32 };
    let dispatch =
        Dispatch { op: "ema", params: bytemuck::bytes_of(&params), buffers: &[parameter, average], groups };
    context.dispatch(&kernel, &dispatch)
}
