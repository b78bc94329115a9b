//! `gather_nd`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::tuples::Tuples;
use crate::base::{
    numbers::{WORKGROUP, to_u32, workgroups},
    params::{ParamsLayout, params},
};

params! { Params for "gather_nd" { extents: [u32; 8], count: u32, inner: u32, tuples: u32, places: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// `y[o, i, n] = x[o, place(o, i), n]` of 4-byte elements.
pub fn gather_nd(context: &Context, x: &Buffer, indices: &Buffer, y: &Buffer, by: &Tuples) -> Result<()> {
    let op = "gather_nd";
    let params = Params {
        extents: by.extents(op)?,
        count: to_u32(op, by.outer * by.tuples * by.inner)?,
        inner: to_u32(op, by.inner)?,
        tuples: to_u32(op, by.tuples)?,
        places: to_u32(op, by.places())?,
    };
    let kernel = Specialisation::new("gather_nd")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_u32("TUPLE", by.extents.len() as u32);
    let (groups, buffers) = (workgroups(params.count), &[x, indices, y]);
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })
}
