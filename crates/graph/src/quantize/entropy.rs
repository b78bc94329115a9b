//! The range with the least divergence.
//!
//! Migacz (8-bit inference with TensorRT, GTC 2017) compares, for each range that is tried, two distributions: P, what was seen,
//! with all that lies beyond the range in its last bin, and Q, what lies within it, rounded to as many levels as a byte has and
//! spread again over the bins that were not empty. Two things are different here:
//!
//! - Bins have signs. Of magnitudes alone, what is cut off on one side of 0 could hide behind a value of the other side.
//! - A bin never counts for more than twice its neighbours. Such values as the zeros of a ReLU or an even background are a step
//!   of their own or cost one step's error whatever the range, and would outweigh all the rest: to cut off what lies behind
//!   them would look as if it cost nothing, since the divergence does not know how far numbers are moved.

use std::ops::Range;

use super::histogram::Histogram;

/// Levels of a byte.
const LEVELS: usize = 255;
/// Every eighth bin is tried as an end: neighbours differ by little.
const STRIDE: usize = 8;
/// Bins on either side whose median is the measure of a bin.
const NEIGHBOURS: usize = 8;

/// The range that loses least information; both ends as far from 0 where it is to be `symmetric`.
pub(super) fn least_divergence(histogram: &Histogram, symmetric: bool) -> (f32, f32) {
    let (counts, zero, width) = histogram.signed();
    let counts = without_spikes(counts);
    let filled = |count: &u64| *count > 0;
    let (Some(first), Some(last)) = (counts.iter().position(filled), counts.iter().rposition(filled)) else {
        return (0.0, 0.0);
    };
    let all = first.min(zero)..(last + 1).max(zero);
    let best = if symmetric {
        let reach = (zero - all.start).max(all.end - zero);
        let tries = (LEVELS.div_ceil(2)..reach).step_by(STRIDE).chain([reach]);
        least(&counts, tries.map(|reach| zero - reach..zero + reach), all)
    } else {
        // One end is moved while the other stays, the upper one twice.
        let mut range = all.clone();
        for upper in [true, false, true] {
            range = if upper {
                let low = range.start;
                let tries = (zero.max(low + LEVELS)..all.end).step_by(STRIDE).chain([all.end]);
                least(&counts, tries.map(|high| low..high), range)
            } else {
                let high = range.end;
                let tries = (0..=zero.min(high.saturating_sub(LEVELS))).rev().step_by(STRIDE);
                let tries = tries.filter(|&low| low > all.start).chain([all.start]);
                least(&counts, tries.map(|low| low..high), range)
            };
        }
        range
    };
    let place = |at: usize| (at as f32 - zero as f32) * width;
    (place(best.start), place(best.end))
}

/// Of the ranges that hold anything, the first with the least divergence.
fn least(counts: &[u64], tries: impl Iterator<Item = Range<usize>>, otherwise: Range<usize>) -> Range<usize> {
    let tries = tries.filter_map(|range| divergence(counts, &range).map(|found| (found, range)));
    tries.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(otherwise, |(_, range)| range)
}

/// The counts, none of them more than twice the median of the nearest bins that are not empty.
fn without_spikes(counts: &[u64]) -> Vec<u64> {
    let filled: Vec<usize> = (0..counts.len()).filter(|&at| counts[at] > 0).collect();
    let mut lower = counts.to_vec();
    for (place, &at) in filled.iter().enumerate() {
        let before = &filled[place.saturating_sub(NEIGHBOURS)..place];
        let behind = &filled[place + 1..(place + 1 + NEIGHBOURS).min(filled.len())];
        let mut near: Vec<u64> = before.iter().chain(behind).map(|&at| counts[at]).collect();
        near.sort_unstable();
        if let Some(&median) = near.get(near.len() / 2) {
            lower[at] = lower[at].min(2 * median);
        }
    }
    lower
}

/// Of all counts, with those beyond `range` in its last bins that are not empty, from those within it by [`LEVELS`] levels;
/// nothing where the range holds nothing.
fn divergence(counts: &[u64], range: &Range<usize>) -> Option<f64> {
    let kept = &counts[range.clone()];
    let sum = |counts: &[u64]| counts.iter().sum::<u64>();
    let (within, below, above) = (sum(kept), sum(&counts[..range.start]), sum(&counts[range.end..]));
    let first = kept.iter().position(|&count| count > 0)?;
    let last = kept.iter().rposition(|&count| count > 0)?;
    let total = (within + below + above) as f64;
    let mut divergence = 0.0;
    for level in 0..LEVELS {
        let begin = level * kept.len() / LEVELS;
        let bins = &kept[begin..(level + 1) * kept.len() / LEVELS];
        let filled = bins.iter().filter(|&&count| count > 0).count();
        let q = sum(bins) as f64 / filled.max(1) as f64 / within as f64;
        for (at, &count) in bins.iter().enumerate().filter(|(_, count)| **count > 0) {
            let beyond = [(first, below), (last, above)]
                .map(|(end, beyond)| if begin + at == end { beyond } else { 0 });
            let p = (count + beyond[0] + beyond[1]) as f64 / total;
            divergence += p * (p / q).ln();
        }
    }
    Some(divergence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(values: &[(f32, usize)], symmetric: bool) -> (f32, f32) {
        let mut histogram = Histogram::new();
        for &(value, count) in values {
            histogram.add(&vec![value; count]);
        }
        least_divergence(&histogram, symmetric)
    }

    /// Pictures of 256 grey values on a black ground, normalised: most numbers are one value below 0, and a quarter of them lie
    /// further above 0 than it lies below.
    #[test]
    fn a_background_hides_no_tail() {
        let grey = |at: usize| (at as f32 / 255.0 - 0.286) / 0.353;
        let mut values = vec![(grey(0), 60_000)];
        values.extend((1..256).map(|at| (grey(at), 100 + at * (255 - at) / 80)));
        for symmetric in [false, true] {
            let (low, high) = range(&values, symmetric);
            assert!(low <= grey(0) + 0.01 && (1.7..2.1).contains(&high), "{low} {high}");
        }
    }

    /// A ReLU behind an even background: zeros, one value as often as all others together, and a tail behind it.
    #[test]
    fn values_that_are_frequent_hide_no_tail() {
        let mut values: Vec<_> = (0..1000).map(|at| (at as f32 / 250.0, 1000 - at)).collect();
        values.push((0.0, 500_000));
        values.push((1.1, 500_000));
        let (low, high) = range(&values, false);
        assert!(low == 0.0 && high > 3.2, "{low} {high}");
    }

    #[test]
    fn rare_and_far_is_cut_off() {
        let bell = |at: f32| (1e5 * (-at * at / 2.0).exp()) as usize;
        let mut values: Vec<_> = (-300..=300).map(|at| at as f32 / 75.0).map(|at| (at, bell(at))).collect();
        values.push((60.0, 1));
        for symmetric in [false, true] {
            let (low, high) = range(&values, symmetric);
            assert!((-20.0..-2.5).contains(&low) && (2.5..20.0).contains(&high), "{low} {high}");
        }
    }
}
