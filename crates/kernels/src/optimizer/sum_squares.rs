//! `sum_squares`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::Coarsening,
    numbers::{WORKGROUP, to_u32, vectors, workgroups},
    params::{ParamsLayout, params},
};

params! { Params for "sum_squares" { count: u32, parts: u32, first: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// vec4s whose squares a thread adds: few enough that the sum in f32 stays exact to some units in the last place.
const RUN: u32 = 64;

/// Sums that [`sum_squares`] writes for a tensor of `count` elements.
///
/// # Errors
/// [`tilewright_runtime::Error::Limit`] for elements beyond 32 bits.
pub fn sum_squares_parts(context: &Context, count: usize) -> Result<usize> {
    let lanes = Coarsening::of(context).lanes;
    Ok(vectors("sum_squares", count)?.div_ceil(lanes * RUN) as usize * lanes as usize)
}

/// The sums of the squares of the parts of `x`, behind the first `first` of `sums`.
pub fn sum_squares(context: &Context, x: &Buffer, sums: &Buffer, first: usize, count: usize) -> Result<()> {
    let op = "sum_squares";
    let parts = to_u32(op, sum_squares_parts(context, count)?)?;
    let params = Params { count: to_u32(op, count)?, parts, first: to_u32(op, first)? };
    let kernel = Specialisation::new("sum_squares")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_u32("LANES", Coarsening::of(context).lanes)
        .with_u32("RUN", RUN);
    let buffers = &[x, sums];
    context.dispatch(
        &kernel,
        &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups: workgroups(parts) },
    )
}
