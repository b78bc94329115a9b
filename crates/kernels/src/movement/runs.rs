//! Copies whose runs are long enough for the device's own copy, which no kernel outdoes.

use tilewright_runtime::{Buffer, Context, Result};

use crate::base::{
    device::{Device, DeviceClass},
    strided::Strided,
};

/// Elements of a run that is worth a command of its own on software Vulkan, where a kernel moves at most half as many bytes a
/// second as `memcpy`, and a command costs a microsecond or two.
const SOFTWARE_RUN: usize = 1 << 14;

/// Records `index` as plain copies of its runs if that is quicker than a kernel, and says whether it did. A GPU's kernels
/// copy as quickly as the device itself: there only a single run is worth it.
pub(super) fn copy(
    context: &Context,
    x: &Buffer,
    x_offset: usize,
    y: &Buffer,
    y_offset: usize,
    index: &Strided,
) -> Result<bool> {
    let last = index.shape.len() - 1;
    let run = index.shape[last];
    let software = Device::of(context).class == DeviceClass::SoftwareVulkan;
    let worth = if software { run >= SOFTWARE_RUN || last == 0 } else { last == 0 };
    if !worth || (run > 1 && (index.first[last], index.second[last]) != (1, 1)) || !context.can_copy(x, y) {
        return Ok(false);
    }
    let runs: usize = index.shape[..last].iter().product();
    for at in 0..runs {
        let (mut rest, mut from, mut to) = (at, x_offset as isize, y_offset as isize);
        for axis in (0..last).rev() {
            let place = (rest % index.shape[axis]) as isize;
            rest /= index.shape[axis];
            from += place * index.first[axis];
            to += place * index.second[axis];
        }
        context.copy(x, from as u64 * 4, y, to as u64 * 4, run as u64 * 4)?;
    }
    Ok(true)
}
