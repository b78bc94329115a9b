//! Means of windows of whole numbers.

use crate::pooling::Pool2d;

/// Taps of a window that a mean is taken of at most: its sum of bytes is exact in 32 bits, and its multipliers are a table.
pub const AVERAGES: usize = 1 << 16;

/// What the sum over a window is multiplied by, by the number of its taps that count: entry c is `multiplier` / c, the scale of
/// x by that of the result and the divisor in one. With `divisor_override` all are alike.
#[must_use]
pub fn average_multipliers(pool: &Pool2d, multiplier: f32) -> Vec<f32> {
    let taps = pool.kernel[0].saturating_mul(pool.kernel[1]).min(AVERAGES);
    (0..=taps).map(|count| multiplier / pool.divisor_override.unwrap_or(count.max(1)) as f32).collect()
}
