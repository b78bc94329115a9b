//! `scatter_elements`.

use tilewright_ops::{DType, ScatterReduction};
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::update::{launches, updating};
use crate::base::{
    numbers::{WORKGROUP, to_u32, workgroups},
    params::{ParamsLayout, params},
    strided::Strided,
};

params! { Params for "scatter_elements" {
    shape: [u32; 8],
    magic: [u32; 8],
    shift: [u32; 8],
    from_strides: [u32; 8],
    y_strides: [u32; 8],
    lines: u32,
    from_step: u32,
    y_step: u32,
    extent: u32,
    first: u32,
    end: u32,
    pad0: u32,
    pad1: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// The axis along which elements are scattered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScatterAxis {
    /// Indices along it.
    pub updates: usize,
    /// From one to the next.
    pub from_step: usize,
    /// Its extent in y.
    pub extent: usize,
    /// From one element of y to the next.
    pub y_step: usize,
}

/// `y[c with index[c, i] along the axis] = update(y there, updates[c, i])` for each i in order; y, of `dtype` (four bytes), holds x
/// before. `lines` are the lines along the axis, with the strides of the indices and of y. Several launches where lines are
/// long.
pub fn scatter_elements(
    context: &Context,
    (reduction, dtype): (ScatterReduction, DType),
    indices: &Buffer,
    updates: &Buffer,
    y: &Buffer,
    lines: &Strided,
    axis: ScatterAxis,
) -> Result<()> {
    let op = "scatter_elements";
    let steps = lines.steps_of(op, 1)?;
    let mut params = Params {
        shape: steps.shape,
        magic: steps.magic,
        shift: steps.shift,
        from_strides: steps.first,
        y_strides: steps.second,
        lines: steps.count,
        from_step: to_u32(op, axis.from_step)?,
        y_step: to_u32(op, axis.y_step)?,
        extent: to_u32(op, axis.extent)?,
        first: 0,
        end: 0,
        pad0: 0,
        pad1: 0,
    };
    let kernel =
        Specialisation::new("scatter_elements").with_u32("WORKGROUP", WORKGROUP).with_u32("RANK", steps.rank);
    let kernel = updating(kernel, reduction, dtype);
    let (groups, buffers) = (workgroups(params.lines), &[indices, updates, y]);
    for part in launches(axis.updates) {
        (params.first, params.end) = (to_u32(op, part.start)?, to_u32(op, part.end)?);
        context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })?;
    }
    Ok(())
}
