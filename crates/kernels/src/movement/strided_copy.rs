//! `strided_copy`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::{ParamsLayout, WORKGROUP, groups, params::params, strided::Strided, to_u32};

params! { Params for "strided_copy" {
    shape: [u32; 8],
    magic: [u32; 8],
    shift: [u32; 8],
    x_strides: [u32; 8],
    y_strides: [u32; 8],
    count: u32,
    x_offset: u32,
    y_offset: u32,
    x_inner: u32,
    y_inner: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
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
    let walk = index.walk(op)?;
    let kernel = Specialisation::new("strided_copy")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_u32("RANK", walk.rank)
        .with_u32("STEP", walk.step);
    let params = Params {
        shape: walk.shape,
        magic: walk.magic,
        shift: walk.shift,
        x_strides: walk.first,
        y_strides: walk.second,
        count: walk.count,
        x_offset: to_u32(op, x_offset)?,
        y_offset: to_u32(op, y_offset)?,
        x_inner: walk.inner[0],
        y_inner: walk.inner[1],
        pad0: 0,
        pad1: 0,
        pad2: 0,
    };
    let dispatch =
        Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &[x, y], groups: groups(walk.count) };
    context.dispatch(&kernel, &dispatch)
}
