//! Ranges of an axis.

use std::ops::Range;

use super::limit::bytes;

/// `extent` positions in pieces of about the same length, each but the last a multiple of `unit`.
pub(super) fn ranges(extent: usize, unit: usize, pieces: usize) -> impl Iterator<Item = Range<usize>> {
    let units = extent.div_ceil(unit);
    let bound = move |at: usize| (units * at / pieces * unit).min(extent);
    (0..pieces).map(move |at| bound(at)..bound(at + 1)).filter(|range| !range.is_empty())
}

/// Ranges of `axis` of a tensor of `shape` that fit where a single position fits.
pub(super) fn chunks_of(shape: &[usize], axis: usize, limit: u64) -> impl Iterator<Item = Range<usize>> {
    let extent = shape[axis];
    let each = bytes(shape) / extent.max(1) as u64;
    let fit = usize::try_from(limit / each.max(1)).unwrap_or(usize::MAX).clamp(1, extent.max(1));
    ranges(extent, 1, extent.div_ceil(fit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_without_gap() {
        for (extent, unit, pieces) in [(10, 1, 3), (10, 4, 2), (7, 4, 2), (1, 1, 1), (9, 3, 3), (5, 1, 5)] {
            let all: Vec<_> = ranges(extent, unit, pieces).collect();
            assert_eq!((all[0].start, all[all.len() - 1].end), (0, extent), "{extent} {unit} {pieces}");
            assert!(all.windows(2).all(|pair| pair[0].end == pair[1].start && pair[1].start % unit == 0));
        }
    }
}
