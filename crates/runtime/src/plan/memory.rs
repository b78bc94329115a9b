//! Where the buffers of a plan lie: an offset in one of few pooled buffers, by live ranges.
//!
//! wgpu tracks whole buffers: one that a launch writes may not be bound to it a second time, at any offset (but where the
//! launch declares all its buffers as written, as on a CPU). What a launch writes and what else it touches therefore lie
//! in different pooled buffers; those pairs are the edges of the graph that is coloured, and the colours are the pooled
//! buffers. Within one, buffers whose live ranges do not meet share bytes.
//! Placing the largest first (Pisarchyk and Lee, arXiv 2001.03288, "greedy by size") comes near the bound.

use serde::Serialize;

/// Offsets of bindings are multiples of this on every device of WebGPU's default limits.
pub(crate) const ALIGNMENT: u64 = 256;

/// A buffer that needs memory from one command to another, both included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    pub size: u64,
    pub first: usize,
    pub last: usize,
}

impl Interval {
    fn meets(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// The pooled buffer and the offset of each interval, and the sizes of the pooled buffers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Placement {
    pub places: Vec<(usize, u64)>,
    pub pools: Vec<u64>,
}

/// What a plan's memory comes to, in bytes. Weights, inputs and outputs are not in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MemoryPlan {
    /// Buffers of the recording that needed a place.
    pub values: usize,
    /// Their sizes together: what running without reuse would take.
    pub unshared: u64,
    /// The sizes of the pooled buffers.
    pub pools: Vec<u64>,
    /// The most that is live at one command: no plan in this order of commands takes less.
    pub lower_bound: u64,
}

impl MemoryPlan {
    /// All pooled buffers together.
    pub fn bytes(&self) -> u64 {
        self.pools.iter().sum()
    }

    /// Bytes over the lower bound; 1 is perfect.
    pub fn ratio(&self) -> f64 {
        if self.lower_bound == 0 { 1.0 } else { self.bytes() as f64 / self.lower_bound as f64 }
    }
}

/// The most bytes that are live at one command.
pub(crate) fn lower_bound(intervals: &[Interval]) -> u64 {
    intervals
        .iter()
        .map(|at| {
            let live = intervals.iter().filter(|other| other.first <= at.first && at.first <= other.last);
            live.map(|other| other.size).sum()
        })
        .max()
        .unwrap_or(0)
}

/// Places every interval. `apart[i]` are those that may not lie in the pooled buffer of `i`; no pooled buffer grows
/// beyond `largest` unless a single interval is larger.
pub(crate) fn place(intervals: &[Interval], apart: &[Vec<usize>], largest: u64) -> Placement {
    let mut by_size: Vec<usize> = (0..intervals.len()).collect();
    by_size.sort_by_key(|&at| (std::cmp::Reverse(intervals[at].size), intervals[at].first));
    let mut by_area = by_size.clone();
    by_area.sort_by_key(|&at| {
        let Interval { size, first, last } = intervals[at];
        std::cmp::Reverse(size.saturating_mul((last - first + 1) as u64))
    });
    let mut by_time = by_size.clone();
    by_time.sort_by_key(|&at| (intervals[at].first, std::cmp::Reverse(intervals[at].size)));
    let mut best: Option<(Placement, Vec<usize>, usize)> = None;
    let bound = lower_bound(intervals);
    let mut consider = |pools: usize, order: &[usize]| {
        let placement = greedy(intervals, apart, largest, pools, order);
        let better = best.as_ref().is_none_or(|(known, ..)| placement.cost() < known.cost());
        if better {
            best = Some((placement, order.to_vec(), pools));
        }
        best.as_ref().map(|(known, order, pools)| (known.cost(), order.clone(), *pools))
    };
    let mut leader = None;
    for order in [by_size, by_area, by_time] {
        for pools in 1..=6 {
            leader = consider(pools, &order);
        }
    }
    // The order of placing decides; a few thousand neighbours of the best one are tried, the same ones every time.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let tries = if intervals.len() < 3 { 0 } else { EFFORT / (intervals.len() * intervals.len()) };
    for _ in 0..tries.min(MOST_TRIES) {
        let Some(((cost, _), mut order, pools)) = leader else { break };
        if cost <= bound.next_multiple_of(ALIGNMENT) {
            break;
        }
        for _ in 0..1 + random(3) {
            let moved = order.remove(random(order.len()));
            order.insert(random(order.len() + 1), moved);
        }
        let pools = if random(4) == 0 { 1 + random(6) } else { pools };
        leader = consider(pools, &order);
    }
    best.map(|(placement, ..)| placement).unwrap_or_default()
}

/// Comparisons that the search may cost, about a tenth of a second.
const EFFORT: usize = 20_000_000;
const MOST_TRIES: usize = 4000;

impl Placement {
    /// Bytes, then pooled buffers.
    fn cost(&self) -> (u64, usize) {
        (self.pools.iter().sum(), self.pools.len())
    }
}

fn greedy(
    intervals: &[Interval],
    apart: &[Vec<usize>],
    largest: u64,
    pools: usize,
    order: &[usize],
) -> Placement {
    let mut sizes = vec![0_u64; pools];
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); pools];
    let mut places: Vec<Option<(usize, u64)>> = vec![None; intervals.len()];
    for &at in order {
        let size = intervals[at].size.next_multiple_of(ALIGNMENT);
        let barred = |pool: usize| apart[at].iter().any(|&other| places[other].is_some_and(|p| p.0 == pool));
        let best = (0..sizes.len())
            .filter(|&pool| !barred(pool))
            .filter_map(|pool| {
                let offset = lowest_gap(intervals, &members[pool], &places, at, size);
                let end = offset + size;
                (end <= largest || sizes[pool] == 0)
                    .then(|| (end.saturating_sub(sizes[pool]), end, pool, offset))
            })
            .min();
        let (pool, offset) = match best {
            Some((_, _, pool, offset)) => (pool, offset),
            None => {
                sizes.push(0);
                members.push(Vec::new());
                (sizes.len() - 1, 0)
            }
        };
        sizes[pool] = sizes[pool].max(offset + size);
        members[pool].push(at);
        places[at] = Some((pool, offset));
    }
    // Pools that nobody lives in are dropped.
    let mut number = vec![0; sizes.len()];
    let mut kept = Vec::new();
    for (pool, &size) in sizes.iter().enumerate() {
        number[pool] = kept.len();
        if size > 0 {
            kept.push(size);
        }
    }
    let places = places.into_iter().flatten().map(|(pool, offset)| (number[pool], offset)).collect();
    Placement { places, pools: kept }
}

/// The lowest offset at which `size` bytes are free as long as the interval `at` lives.
fn lowest_gap(
    intervals: &[Interval],
    members: &[usize],
    places: &[Option<(usize, u64)>],
    at: usize,
    size: u64,
) -> u64 {
    let mut taken: Vec<(u64, u64)> = members
        .iter()
        .filter(|&&other| intervals[other].meets(&intervals[at]))
        .filter_map(|&other| {
            places[other]
                .map(|(_, offset)| (offset, offset + intervals[other].size.next_multiple_of(ALIGNMENT)))
        })
        .collect();
    taken.sort_unstable();
    let mut offset = 0;
    for (begin, end) in taken {
        if begin >= offset + size {
            break;
        }
        offset = offset.max(end);
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn valid(intervals: &[Interval], apart: &[Vec<usize>], placement: &Placement) {
        assert_eq!(placement.places.len(), intervals.len());
        for (a, one) in intervals.iter().enumerate() {
            let (pool, offset) = placement.places[a];
            assert!(offset.is_multiple_of(ALIGNMENT) && offset + one.size <= placement.pools[pool]);
            for (b, other) in intervals.iter().enumerate().skip(a + 1) {
                let (other_pool, other_offset) = placement.places[b];
                assert!(!apart[a].contains(&b) || pool != other_pool, "{a} and {b} lie in one pool");
                let bytes_meet = offset < other_offset + other.size && other_offset < offset + one.size;
                assert!(pool != other_pool || !one.meets(other) || !bytes_meet, "{a} and {b} share bytes");
            }
        }
    }

    #[test]
    fn a_chain_needs_no_more_than_its_two_largest_neighbours() {
        let sizes = [4096, 8192, 2048, 8192, 1024];
        let intervals: Vec<_> =
            sizes.iter().enumerate().map(|(at, &size)| Interval { size, first: at, last: at + 1 }).collect();
        let mut apart = vec![Vec::new(); 5];
        for at in 0..4 {
            apart[at].push(at + 1);
            apart[at + 1].push(at);
        }
        let placement = place(&intervals, &apart, u64::MAX);
        valid(&intervals, &apart, &placement);
        assert_eq!(lower_bound(&intervals), 12288);
        assert_eq!(placement.pools.iter().sum::<u64>(), 12288);
    }

    #[test]
    fn a_pool_does_not_outgrow_the_device() {
        let intervals = vec![Interval { size: 1024, first: 0, last: 3 }; 12];
        let placement = place(&intervals, &vec![Vec::new(); 12], 2048);
        valid(&intervals, &vec![Vec::new(); 12], &placement);
        assert!(placement.pools.iter().all(|&size| size <= 2048));
    }

    proptest! {
        #[test]
        fn no_two_that_live_together_share_bytes(
            raw in prop::collection::vec((1_u64..100_000, 0_usize..40, 0_usize..8), 1..40),
            edges in prop::collection::vec((0_usize..40, 0_usize..40), 0..60),
        ) {
            let intervals: Vec<_> = raw
                .iter()
                .map(|&(size, first, length)| Interval { size, first, last: first + length })
                .collect();
            let mut apart = vec![Vec::new(); intervals.len()];
            for (a, b) in edges {
                let (a, b) = (a % intervals.len(), b % intervals.len());
                if a != b {
                    apart[a].push(b);
                    apart[b].push(a);
                }
            }
            let placement = place(&intervals, &apart, u64::MAX);
            valid(&intervals, &apart, &placement);
            prop_assert!(placement.pools.iter().sum::<u64>() >= lower_bound(&intervals));
        }
    }
}
