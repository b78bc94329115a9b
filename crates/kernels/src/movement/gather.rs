//! `gather`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    numbers::{WORKGROUP, to_u32, workgroups},
    params::{ParamsLayout, params},
};

params! { Params for "gather" { count: u32, inner: u32, indices: u32, extent: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// `y[o, i, n] = x[o, index[i], n]` of 4-byte elements; `shape` is `[o, i, n]` of y, `extent` that of the axis in x.
pub fn gather(
    context: &Context,
    x: &Buffer,
    indices: &Buffer,
    y: &Buffer,
    [outer, places, inner]: [usize; 3],
    extent: usize,
) -> Result<()> {
    let op = "gather";
    let params = Params {
        count: to_u32(op, outer * places * inner)?,
        inner: to_u32(op, inner)?,
        indices: to_u32(op, places)?,
        // Indices are i32.
        extent: to_u32(op, extent)?,
    };
    let kernel = Specialisation::new("gather").with_u32("WORKGROUP", WORKGROUP);
    let groups = workgroups(params.count);
    let buffers = &[x, indices, y];
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })
}
