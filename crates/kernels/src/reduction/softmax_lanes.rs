//! `softmax_lanes`, `softmax_lanes_backward` and `argmax_lanes`: a subgroup for each line, on software Vulkan.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::softmax::Lines;
use crate::{
    ParamsLayout, WORKGROUP,
    params::params,
    select::{Device, DeviceClass},
    to_u32,
};

params! { Params for "softmax_lanes", "softmax_lanes_backward", "argmax_lanes" { lines: u32, quads: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// Elements of a line: from some vec4s a lane on, and so that both passes stay within what any driver loops.
const LENGTHS: std::ops::RangeInclusive<usize> = 64..=1 << 19;

/// Whether these kernels run the lines: contiguous ones of whole vec4s, enough of them to share among the cores.
fn fits(context: &Context, view: Lines) -> bool {
    Device::of(context).class == DeviceClass::SoftwareVulkan
        && view.after == 1
        && view.along.is_multiple_of(4)
        && LENGTHS.contains(&view.along)
        && view.before >= 4
}

/// [`super::softmax`] in one kernel if it can be, and whether it was.
pub(super) fn softmax(
    context: &Context,
    op: &'static str,
    x: &Buffer,
    y: &Buffer,
    view: Lines,
) -> Result<bool> {
    let kernel = Specialisation::new("softmax_lanes").with_bool("LOGARITHM", op == "log_softmax");
    launch(context, kernel, op, &[x, y], view)
}

/// [`super::softmax_backward`] without the sums, in one kernel if it can be, and whether it was.
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
    launch(context, kernel, op, &[y, grad_y, grad_x], view)
}

/// [`super::argmax`] in one kernel if it can be, and whether it was.
pub(super) fn argmax(context: &Context, x: &Buffer, y: &Buffer, view: Lines) -> Result<bool> {
    launch(context, Specialisation::new("argmax_lanes"), "argmax", &[x, y], view)
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
    let params = Params { lines, quads: to_u32(op, view.along / 4)? };
    let lanes = Device::of(context).lanes;
    let kernel = kernel.with_u32("WORKGROUP", WORKGROUP).with_u32("LANES", lanes);
    let groups = u64::from(lines.div_ceil(WORKGROUP / lanes));
    context.dispatch(&kernel, &Dispatch { op, params: bytemuck::bytes_of(&params), buffers, groups })?;
    Ok(true)
}
