//! `softmax_lanes`, `softmax_lanes_backward` and `argmax_lanes`: a subgroup for each line, on software Vulkan.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::lines::Lines;
use crate::base::{
    device::{Device, DeviceClass},
    numbers::{WORKGROUP, to_u32},
    params::{ParamsLayout, params},
};

params! { Params for "softmax_lanes", "softmax_lanes_backward" {
    lines: u32,
    runs: u32,
    never: u32,
} }

params! { ArgmaxParams for "argmax_lanes" { lines: u32, quads: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT, ArgmaxParams::LAYOUT];

/// Elements of a line: from some vec4s a lane on, and so that both passes stay within what any driver loops.
const LENGTHS: std::ops::RangeInclusive<usize> = 64..=1 << 19;

/// Elements of a line whose vec4s are words of 64 bits by twos: a run for each lane, and no more than the first cache keeps
/// until the second pass, which touches no lines.
const WIDE: std::ops::RangeInclusive<usize> = 64..=1 << 12;

/// Whether these kernels run the lines: contiguous ones of whole vec4s, enough of them to share among the cores.
fn fits(context: &Context, view: Lines) -> bool {
    Device::of(context).class == DeviceClass::SoftwareVulkan
        && view.after == 1
        && view.along.is_multiple_of(4)
        && LENGTHS.contains(&view.along)
        && view.before >= 4
}

/// `softmax` in one kernel if it can be, and whether it was.
pub(super) fn softmax(
    context: &Context,
    op: &'static str,
    x: &Buffer,
    y: &Buffer,
    view: Lines,
) -> Result<bool> {
    let kernel = Specialisation::new("softmax_lanes").with_bool("LOGARITHM", op == "log_softmax");
    launch(context, kernel, op, &[x, y, x], view)
}

/// `softmax_backward` without the sums, in one kernel if it can be, and whether it was.
pub fn softmax_backward_lanes(
    context: &Context,
    op: &'static str,
    y: &Buffer,
    grad_y: &Buffer,
    grad_x: &Buffer,
    view: Lines,
) -> Result<bool> {
    let kernel = Specialisation::new("softmax_lanes_backward")
        .with_bool("WEIGHTED", op == "softmax")
        .with_fragment("softmax_gradient", op);
    launch(context, kernel, op, &[y, grad_y, grad_x, y, grad_y], view)
}

/// `argmax` in one kernel if it can be, and whether it was.
pub(super) fn argmax(context: &Context, x: &Buffer, y: &Buffer, view: Lines) -> Result<bool> {
    let op = "argmax";
    if !fits(context, view) {
        return Ok(false);
    }
    to_u32(op, view.before * view.along)?;
    let lines = to_u32(op, view.before)?;
    let params = ArgmaxParams { lines, quads: to_u32(op, view.along / 4)? };
    let lanes = Device::of(context).lanes;
    let kernel =
        Specialisation::new("argmax_lanes").with_u32("WORKGROUP", WORKGROUP).with_u32("LANES", lanes);
    let groups = u64::from(lines.div_ceil(WORKGROUP / lanes));
    let dispatch = Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &[x, y], groups };
    context.dispatch(&kernel, &dispatch)?;
    Ok(true)
}

fn launch(
    context: &Context,
    kernel: Specialisation,
    op: &str,
    buffers: &[&Buffer],
    view: Lines,
) -> Result<bool> {
    if !fits(context, view) {
        return Ok(false);
    }
    to_u32(op, view.before * view.along)?;
    let lines = to_u32(op, view.before)?;
    let device = Device::of(context);
    let lanes = device.lanes;
    let mut kernel = kernel.with_u32("WORKGROUP", WORKGROUP).with_u32("LANES", lanes);
    let mut runs = to_u32(op, view.along / 4)?;
    if device.wide_words() && WIDE.contains(&view.along) && runs.is_multiple_of(2) {
        kernel = kernel.with_fragment("runs", "u64").with_bool("AHEAD", true).with_u32("TURN", 2);
        runs /= 2;
    }
    let params = Params { lines, runs, never: 0 };
    let groups = u64::from(lines.div_ceil(WORKGROUP / lanes));
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })?;
    Ok(true)
}
