//! `topk_backward`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::{
    base::{
        numbers::{WORKGROUP, to_u32, workgroups},
        params::{ParamsLayout, params},
    },
    elementwise::fill::fill,
    reduction::lines::Lines,
};

params! { Params for "topk_backward" { count: u32, kept: u32, along: u32, after: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// The gradient of x: zeros, with each element of `grad_y` at its index along the axis. `view` is x's; `grad_y` and
/// `indices` (i32) have `kept` elements along the axis. The indices of a line must differ, as those of a top-k do.
pub fn topk_backward(
    context: &Context,
    kept: usize,
    grad_y: &Buffer,
    indices: &Buffer,
    grad_x: &Buffer,
    view: Lines,
) -> Result<()> {
    let op = "topk_backward";
    fill(context, grad_x, view.lines() * view.along, 0)?;
    let params = Params {
        count: to_u32(op, view.lines() * kept)?,
        kept: to_u32(op, kept)?,
        along: to_u32(op, view.along)?,
        after: to_u32(op, view.after)?,
    };
    let kernel = Specialisation::new("topk_backward").with_u32("WORKGROUP", WORKGROUP);
    let groups = workgroups(params.count);
    let buffers = &[grad_y, indices, grad_x];
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })
}
