//! `scatter`.

use tilewright_ops::{DType, ScatterReduction};
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{
    tuples::Tuples,
    update::{launches, updating},
};
use crate::base::{
    numbers::{WORKGROUP, to_u32, workgroups},
    params::{ParamsLayout, params},
};

params! { Params for "scatter" {
    extents: [u32; 8],
    lines: u32,
    inner: u32,
    updates: u32,
    places: u32,
    outer: u32,
    first: u32,
    end: u32,
    pad: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// `y[o, place(o, i), n] = update(y[o, place(o, i), n], updates[o, i, n])` for each i in order; y, of `dtype` (four bytes), holds
/// x before. Several launches where there are many updates.
pub fn scatter(
    context: &Context,
    (op, reduction, dtype): (&'static str, ScatterReduction, DType),
    indices: &Buffer,
    updates: &Buffer,
    y: &Buffer,
    by: &Tuples,
) -> Result<()> {
    let tuple = by.extents.len();
    to_u32(op, by.outer * by.tuples * by.inner.max(tuple))?;
    let outer = if by.shared { 0 } else { by.tuples * tuple };
    let mut params = Params {
        extents: by.extents(op)?,
        lines: to_u32(op, by.outer * by.inner)?,
        inner: to_u32(op, by.inner)?,
        updates: to_u32(op, by.tuples)?,
        places: to_u32(op, by.places())?,
        outer: to_u32(op, outer)?,
        first: 0,
        end: 0,
        pad: 0,
    };
    let kernel =
        Specialisation::new("scatter").with_u32("WORKGROUP", WORKGROUP).with_u32("TUPLE", tuple as u32);
    let kernel = updating(kernel, reduction, dtype);
    let (groups, buffers) = (workgroups(params.lines), &[indices, updates, y]);
    for part in launches(by.tuples) {
        (params.first, params.end) = (to_u32(op, part.start)?, to_u32(op, part.end)?);
        context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })?;
    }
    Ok(())
}
