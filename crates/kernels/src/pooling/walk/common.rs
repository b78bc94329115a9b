//! What the walks share: their limits, words of 64 bits, workgroups.

use tilewright_runtime::Context;
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::{Coarsening, wide_words},
    device::Device,
};

/// Turns of a thread's loops at most: those of some drivers end at 65,535.
pub(super) const MOST_TURNS: usize = 60_000;

/// Loads (and, in a gradient, stores) in the text of a thread's turn at most: more than these do not fit the cache of decoded
/// instructions.
pub(super) const MOST_LOADS: usize = 16;

/// Threads of a workgroup: a walk is long, and few workgroups would not share out evenly over a CPU's cores.
pub(super) const WALKERS: u32 = 16;

/// Whether words of 64 bits are quicker, and their cache lines touched first: a subgroup's VALUEs must be neighbours in one
/// pixel, and so many channels are a multiple of four.
pub(super) fn wide(context: &Context, channels: usize) -> bool {
    let device = Device::of(context);
    device.wide_words() && channels.is_multiple_of(4 * device.lanes as usize)
}

/// `kernel` with such words, if `wide`.
pub(super) fn widened(context: &Context, kernel: Specialisation, wide: bool) -> Specialisation {
    if wide { wide_words(context, kernel).with_bool("AHEAD", true) } else { kernel }
}

/// The same for kernels that read or write places.
pub(super) fn widened_places(context: &Context, kernel: Specialisation, wide: bool) -> Specialisation {
    let kernel = widened(context, kernel, wide);
    if wide { kernel.with_fragment("places", "u64") } else { kernel }
}

/// The workgroups of so many threads.
pub(super) fn workgroups(threads: u32) -> u64 {
    u64::from(threads.div_ceil(WALKERS))
}

/// VALUEs of a pixel that a thread takes, where one has so many loads and stores in a turn.
pub(super) fn columns_of(coarsening: Coarsening, channels: u32, accesses: usize) -> u32 {
    let most = (MOST_LOADS / accesses).max(1) as u32;
    let fits = |columns: &u32| *columns <= most && channels.is_multiple_of(columns * coarsening.lanes);
    (1..=coarsening.columns(channels)).rev().find(fits).unwrap_or(1)
}
