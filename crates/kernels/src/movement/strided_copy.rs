//! `strided_copy`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::{
    ParamsLayout, WORKGROUP, groups,
    params::params,
    strided::{Strided, wrap},
    to_u32,
};

params! { Params for "strided_copy" {
    shape: [u32; 8],
    x_strides: [u32; 8],
    y_strides: [u32; 8],
    count: u32,
    x_offset: u32,
    y_offset: u32,
    pad: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// Copies the box `index` (first operand x, second y) of 4-byte elements, from and to the offsets.
pub fn strided_copy(
    context: &Context,
    op: &str,
    x: &Buffer,
    x_offset: usize,
    y: &Buffer,
    y_offset: usize,
    index: &Strided,
) -> Result<()> {
    let count = to_u32(op, index.count())?;
    let kernel = Specialisation::new("strided_copy")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_u32("RANK", index.shape.len() as u32);
    let params = Params {
        shape: index.extents(op)?,
        x_strides: wrap(&index.first),
        y_strides: wrap(&index.second),
        count,
        x_offset: to_u32(op, x_offset)?,
        y_offset: to_u32(op, y_offset)?,
        pad: 0,
    };
    let dispatch =
        Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &[x, y], groups: groups(count) };
    context.dispatch(&kernel, &dispatch)
}
