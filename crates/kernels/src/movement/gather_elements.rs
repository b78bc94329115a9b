//! `gather_elements`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    numbers::{WORKGROUP, to_u32, workgroups},
    params::{ParamsLayout, params},
    strided::Strided,
};

params! { Params for "gather_elements" {
    shape: [u32; 8],
    magic: [u32; 8],
    shift: [u32; 8],
    x_strides: [u32; 8],
    count: u32,
    extent: u32,
    step: u32,
    pad: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// `y[c] = x[c with index[c] along the axis]` of 4-byte elements. `box_of` is y's, row-major, with x's strides as the first
/// (0 along the axis); `axis` is the extent and the stride of the axis in x.
pub fn gather_elements(
    context: &Context,
    x: &Buffer,
    indices: &Buffer,
    y: &Buffer,
    box_of: &Strided,
    axis: [usize; 2],
) -> Result<()> {
    let op = "gather_elements";
    let steps = box_of.steps_of(op, 1)?;
    let params = Params {
        shape: steps.shape,
        magic: steps.magic,
        shift: steps.shift,
        x_strides: steps.first,
        count: steps.count,
        extent: to_u32(op, axis[0])?,
        step: to_u32(op, axis[1])?,
        pad: 0,
    };
    let kernel =
        Specialisation::new("gather_elements").with_u32("WORKGROUP", WORKGROUP).with_u32("RANK", steps.rank);
    let (groups, buffers) = (workgroups(params.count), &[x, indices, y]);
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })
}
