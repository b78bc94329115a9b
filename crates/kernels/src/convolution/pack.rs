//! The weight O I KH KW in the orders that the kernels read, and back. Ig and Og are the channels of one group.

use tilewright_runtime::{Buffer, Context, Result};

use super::Problem;
use crate::{movement::strided_copy, strided::Strided};

/// The axes of a weight, with their extents and their strides in O I KH KW.
struct Axes {
    group: (usize, isize),
    output: (usize, isize),
    input: (usize, isize),
    row: (usize, isize),
    column: (usize, isize),
}

fn axes(problem: &Problem) -> Axes {
    let [inputs, outputs] = problem.group_channels();
    let [_, _, rows, columns] = problem.w_shape;
    let taps = rows * columns;
    let filter = inputs * taps;
    Axes {
        group: (problem.op.groups, (outputs * filter) as isize),
        output: (outputs, filter as isize),
        input: (inputs, taps as isize),
        row: (rows, columns as isize),
        column: (columns, 1),
    }
}

/// The strides of a dense tensor of these extents.
fn dense(extents: &[usize]) -> Vec<isize> {
    let mut strides = vec![1; extents.len()];
    for axis in (1..extents.len()).rev() {
        strides[axis - 1] = strides[axis] * extents[axis] as isize;
    }
    strides
}

fn gather(context: &Context, op: &str, weight: &Buffer, order: [(usize, isize); 5]) -> Result<Buffer> {
    let (extents, strides) = (order.map(|axis| axis.0), order.map(|axis| axis.1));
    let packed = context.alloc(extents.iter().product::<usize>() as u64 * 4)?;
    let index = Strided::new(&extents, &strides, &dense(&extents));
    strided_copy(context, op, weight, 0, &packed, 0, &index)?;
    Ok(packed)
}

fn scatter(
    context: &Context,
    op: &str,
    packed: &Buffer,
    weight: &Buffer,
    order: [(usize, isize); 5],
) -> Result<()> {
    let (extents, strides) = (order.map(|axis| axis.0), order.map(|axis| axis.1));
    let index = Strided::new(&extents, &dense(&extents), &strides);
    strided_copy(context, op, packed, 0, weight, 0, &index)
}

/// G KH KW Ig Og: what a forward pass multiplies patches with.
pub(super) fn inputs_by_outputs(
    context: &Context,
    op: &str,
    problem: &Problem,
    weight: &Buffer,
) -> Result<Buffer> {
    let Axes { group, output, input, row, column } = axes(problem);
    gather(context, op, weight, [group, row, column, input, output])
}

/// G KH KW Og Ig: what an input gradient multiplies the output's gradient with.
pub(super) fn outputs_by_inputs(
    context: &Context,
    op: &str,
    problem: &Problem,
    weight: &Buffer,
) -> Result<Buffer> {
    let Axes { group, output, input, row, column } = axes(problem);
    gather(context, op, weight, [group, row, column, output, input])
}

/// KH KW C of a depthwise weight.
pub(super) fn depthwise(context: &Context, op: &str, problem: &Problem, weight: &Buffer) -> Result<Buffer> {
    let Axes { group, output, input, row, column } = axes(problem);
    gather(context, op, weight, [row, column, group, output, input])
}

/// O I KH KW from G KH KW Ig Og.
pub(super) fn from_inputs_by_outputs(
    context: &Context,
    op: &str,
    problem: &Problem,
    packed: &Buffer,
    weight: &Buffer,
) -> Result<()> {
    let Axes { group, output, input, row, column } = axes(problem);
    scatter(context, op, packed, weight, [group, row, column, input, output])
}

/// O I KH KW from G Og KH KW Ig.
pub(super) fn from_channels_last(
    context: &Context,
    op: &str,
    problem: &Problem,
    packed: &Buffer,
    weight: &Buffer,
) -> Result<()> {
    let Axes { group, output, input, row, column } = axes(problem);
    scatter(context, op, packed, weight, [group, output, row, column, input])
}

/// O I KH KW from KH KW C of a depthwise weight.
pub(super) fn from_depthwise(
    context: &Context,
    op: &str,
    problem: &Problem,
    packed: &Buffer,
    weight: &Buffer,
) -> Result<()> {
    let Axes { group, output, input, row, column } = axes(problem);
    scatter(context, op, packed, weight, [row, column, group, output, input])
}

/// Pixels of a channels-last activation, G by G: G pixels C/G from pixels G C/G.
pub(super) fn split_groups(
    context: &Context,
    op: &str,
    x: &Buffer,
    pixels: usize,
    groups: usize,
    channels: usize,
) -> Result<Buffer> {
    let packed = context.alloc((pixels * groups * channels * 4) as u64)?;
    let extents = [groups, pixels, channels];
    let strides = [channels as isize, (groups * channels) as isize, 1];
    let index = Strided::new(&extents, &strides, &dense(&extents));
    strided_copy(context, op, x, 0, &packed, 0, &index)?;
    Ok(packed)
}
