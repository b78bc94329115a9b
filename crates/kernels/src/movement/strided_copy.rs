//! `strided_copy`, and which of four ways a copy goes.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{repeat, runs, transpose};
use crate::base::{
    coarsening::Coarsening,
    numbers::to_u32,
    params::{ParamsLayout, params},
    strided::Strided,
};

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

/// Copies the box `index` (first operand x, second y) of 4-byte elements, from and to the offsets: by the device's own copy
/// where runs are long, in transposed tiles where the two run along different axes, by rows where they repeat, and else by strides.
pub fn strided_copy(
    context: &Context,
    op: &str,
    x: &Buffer,
    x_offset: usize,
    y: &Buffer,
    y_offset: usize,
    index: &Strided,
) -> Result<()> {
    if runs::copy(context, x, x_offset, y, y_offset, index)?
        || transpose::transpose(context, op, x, x_offset, y, y_offset, index)?
        || repeat::repeat(context, op, x, x_offset, y, y_offset, index)?
    {
        return Ok(());
    }
    let aligned = x_offset.is_multiple_of(4) && y_offset.is_multiple_of(4);
    let quads = index.quads().filter(|quads| aligned && quads.splat == [false; 2]);
    let (steps, value, width) = match &quads {
        Some(quads) => {
            // On a CPU taking the index apart is a chain that nothing hides: two vec4s for each were 1.2 to 2.2 times as
            // quick, four not more.
            let even = quads.index.shape.last().is_some_and(|extent| extent.is_multiple_of(2));
            let step = if even && Coarsening::of(context).blocked() { 2 } else { 1 };
            (quads.index.steps_of(op, step)?, "vec4<u32>", 4)
        }
        None => (index.steps(op)?, "u32", 1),
    };
    let kernel = Specialisation::new("strided_copy")
        .with_u32("RANK", steps.rank)
        .with_u32("STEP", steps.step)
        .with_type("VALUE", value);
    // A turn of single elements is four of them, and more work.
    let coarsening = if width == 4 { Coarsening::of(context) } else { Coarsening::of(context).at_most(8) };
    let (kernel, groups) = coarsening.specialise(kernel, steps.count);
    let params = Params {
        shape: steps.shape,
        magic: steps.magic,
        shift: steps.shift,
        x_strides: steps.first,
        y_strides: steps.second,
        count: steps.count,
        x_offset: to_u32(op, x_offset / width)?,
        y_offset: to_u32(op, y_offset / width)?,
        x_inner: steps.inner[0],
        y_inner: steps.inner[1],
        pad0: 0,
        pad1: 0,
        pad2: 0,
    };
    let dispatch = Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &[x, y], groups };
    context.dispatch(&kernel, &dispatch)
}
