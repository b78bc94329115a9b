//! What the kernels over regions have in common.

use tilewright_runtime::{Context, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    device::{Device, DeviceClass},
    numbers::{WORKGROUP, to_u32},
};

/// Steps of all loops of a thread together. Mesa's llvmpipe before version 23 silently ends the loops of a thread that
/// makes more than 65,535.
const MOST_STEPS: usize = 65_000;

/// The kernel `stem`, where a VALUE holds four channels if they are a multiple of four.
pub(super) fn kernel(stem: &'static str, channels: usize) -> Specialisation {
    let value = if channels.is_multiple_of(4) { "vec4<f32>" } else { "f32" };
    Specialisation::new(stem).with_u32("WORKGROUP", WORKGROUP).with_type("VALUE", value)
}

/// The type of a VALUE's indices.
pub(super) fn index_type(channels: usize) -> &'static str {
    if channels.is_multiple_of(4) { "vec4<i32>" } else { "i32" }
}

/// VALUEs of a tensor N C H W whose elements can be numbered.
pub(super) fn values(op: &str, shape: [usize; 4]) -> Result<u32> {
    let width = if shape[1].is_multiple_of(4) { 4 } else { 1 };
    Ok(to_u32(op, shape.iter().product())? / width)
}

/// Height and width.
pub(super) fn pair(op: &str, [height, width]: [usize; 2]) -> Result<[u32; 2]> {
    Ok([to_u32(op, height)?, to_u32(op, width)?])
}

/// Rows of a bin that a launch visits, of which each takes `steps`, and the first of each launch: on a GPU there is one.
pub(super) fn slices(context: &Context, most: usize, steps: usize) -> (usize, impl Iterator<Item = usize>) {
    let rows = match Device::of(context).class {
        DeviceClass::SoftwareVulkan => (MOST_STEPS / (steps + 1)).max(1),
        DeviceClass::Gpu => most.max(1),
    };
    (rows, (0..most.max(1)).step_by(rows))
}

/// Regions of a launch of a gradient, whose threads visit all bins of each.
pub(super) fn regions_at_once([height, width]: [usize; 2]) -> usize {
    (MOST_STEPS / (1 + height * (1 + width))).max(1)
}
