//! `binary_rows`: a binary operation one operand of which is repeated, as a bias is.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::{Coarsening, wide_words},
    device::Device,
    numbers::{WORKGROUP, to_u32, workgroups},
    params::{ParamsLayout, params},
    strided::Strided,
};

params! { Params for "binary_rows" {
    inner: u32,
    rows: u32,
    bands: u32,
    count: u32,
    outer: u32,
    p0: f32,
    p1: f32,
    never: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// Launches `kernel` (with its slots filled) if of the box `index` one operand is dense, and the other repeats whole vec4s
/// along the second fastest axis; says whether it did.
pub(super) fn binary_rows(
    context: &Context,
    op: &str,
    kernel: Specialisation,
    [a, b, y]: [&Buffer; 3],
    index: &Strided,
    [p0, p1]: [f32; 2],
) -> Result<bool> {
    let rank = index.shape.len();
    let Some(quads) = index.quads().filter(|quads| (2..=3).contains(&rank) && quads.splat == [false; 2])
    else {
        return Ok(false);
    };
    let Strided { shape, first, second } = quads.index;
    let dense: Vec<isize> =
        (0..rank).map(|axis| shape[axis + 1..].iter().product::<usize>() as isize).collect();
    let (swapped, small) = match (first == dense, second == dense) {
        (true, false) => (false, second),
        (false, true) => (true, first),
        _ => return Ok(false),
    };
    if small[rank - 2] != 0 || small.iter().any(|&stride| stride < 0) {
        return Ok(false);
    }
    let coarsening = Coarsening::of(context);
    let (inner, rows) = (to_u32(op, shape[rank - 1])?, to_u32(op, shape[rank - 2])?);
    let (images, outer) = if rank == 3 { (shape[0], small[0]) } else { (1, 0) };
    let columns = coarsening.columns(inner);
    let bands = rows.div_ceil(coarsening.rows);
    let count = to_u32(op, images * bands as usize * (inner / columns) as usize)?;
    to_u32(op, index.count())?;
    let params = Params { inner, rows, bands, count, outer: to_u32(op, outer as usize)?, p0, p1, never: 0 };
    let kernel = kernel
        .with_u32("WORKGROUP", WORKGROUP)
        .with_u32("ROWS", coarsening.rows)
        .with_u32("LANES", coarsening.lanes)
        .with_u32("COLUMNS", columns)
        .with_bool("SWAPPED", swapped);
    // Of fewer columns a row is too short a run for the touching to be worth it.
    let kernel = if columns > 1 && inner.is_multiple_of(columns * coarsening.lanes) {
        wide_words(context, kernel).with_bool("AHEAD", Device::of(context).wide_words())
    } else {
        kernel
    };
    let buffers: &[&Buffer] = if swapped { &[b, a, y, b] } else { &[a, b, y, a] };
    let params = bytemuck::bytes_of(&params);
    context.dispatch(&kernel, &Dispatch { op, params, buffers, groups: workgroups(count) })?;
    Ok(true)
}
