//! `repeat`: copies of the same run, one after the other.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::{Coarsening, wide_words},
    numbers::{WORKGROUP, to_u32, workgroups},
    params::{ParamsLayout, params},
    strided::Strided,
};

params! { Params for "repeat" {
    inner: u32,
    rows: u32,
    bands: u32,
    count: u32,
    x_outer: u32,
    y_outer: u32,
    y_row: u32,
    x_offset: u32,
    y_offset: u32,
    pad: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// Launches the kernel if `index` repeats runs of whole vec4s along its second fastest axis, and says whether it did.
pub(super) fn repeat(
    context: &Context,
    op: &str,
    x: &Buffer,
    x_offset: usize,
    y: &Buffer,
    y_offset: usize,
    index: &Strided,
) -> Result<bool> {
    let rank = index.shape.len();
    if !(2..=3).contains(&rank) || !x_offset.is_multiple_of(4) || !y_offset.is_multiple_of(4) {
        return Ok(false);
    }
    let Some(quads) = index.quads().filter(|quads| quads.splat == [false; 2]) else { return Ok(false) };
    let Strided { shape, first, second } = quads.index;
    let forwards = first.iter().chain(&second).all(|&stride| stride >= 0);
    if first[rank - 2] != 0 || !forwards {
        return Ok(false);
    }
    let coarsening = Coarsening::of(context);
    let (inner, rows) = (to_u32(op, shape[rank - 1])?, to_u32(op, shape[rank - 2])?);
    let (outer, x_outer, y_outer) = if rank == 3 { (shape[0], first[0], second[0]) } else { (1, 0, 0) };
    let columns = coarsening.columns(inner);
    let bands = rows.div_ceil(coarsening.rows);
    let count = to_u32(op, outer * bands as usize * (inner / columns) as usize)?;
    // Places in y are numbered by 32 bits.
    to_u32(op, index.count())?;
    let params = Params {
        inner,
        rows,
        bands,
        count,
        x_outer: to_u32(op, x_outer as usize)?,
        y_outer: to_u32(op, y_outer as usize)?,
        y_row: to_u32(op, second[rank - 2] as usize)?,
        x_offset: to_u32(op, x_offset / 4)?,
        y_offset: to_u32(op, y_offset / 4)?,
        pad: 0,
    };
    let kernel = Specialisation::new("repeat")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_u32("ROWS", coarsening.rows)
        .with_u32("LANES", coarsening.lanes)
        .with_u32("COLUMNS", columns);
    // What is read is little, and read again and again: no need to touch it before.
    let kernel = wide_words(context, kernel);
    let params = bytemuck::bytes_of(&params);
    context.dispatch(&kernel, &Dispatch { op, params, buffers: &[x, y], groups: workgroups(count) })?;
    Ok(true)
}
