//! `extremum_mask`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::{
    ParamsLayout, WORKGROUP, groups,
    params::params,
    strided::{Strided, wrap},
    to_u32,
};

params! { Params for "extremum_mask" {
    shape: [u32; 8],
    x_strides: [u32; 8],
    y_strides: [u32; 8],
    count: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// `mask = 1` where x equals the extremum y of its group, else 0; `index` has x's strides first, y's second, and its axes
/// in the mask's memory order.
pub fn extremum_mask(
    context: &Context,
    op: &str,
    x: &Buffer,
    y: &Buffer,
    mask: &Buffer,
    index: &Strided,
) -> Result<()> {
    let count = to_u32(op, index.count())?;
    let kernel = Specialisation::new("extremum_mask")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_u32("RANK", index.shape.len() as u32);
    let params = Params {
        shape: index.extents(op)?,
        x_strides: wrap(&index.first),
        y_strides: wrap(&index.second),
        count,
        pad0: 0,
        pad1: 0,
        pad2: 0,
    };
    let dispatch =
        Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &[x, y, mask], groups: groups(count) };
    context.dispatch(&kernel, &dispatch)
}
