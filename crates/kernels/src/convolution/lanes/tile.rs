//! What the kernels of a subgroup's shuffles share: the channels of a tile.

use crate::convolution::problem::Problem;

/// The channels of a tile, at most `most`, for `channels` of a group: 32 only where nothing of it is lost.
pub(super) fn channel_tile(channels: usize, most: usize) -> usize {
    match channels {
        0..=4 => 4,
        5..=8 => 8,
        _ if most == 32 && channels.is_multiple_of(32) => 32,
        _ => 16,
    }
}

/// Whether a kernel that takes twice as long to compile is worth its last third of speed. Where a network has larger
/// convolutions, as most have, its smaller ones then share their kernel.
pub(super) fn large(problem: &Problem) -> bool {
    problem.flops() >= 1 << 23
}
