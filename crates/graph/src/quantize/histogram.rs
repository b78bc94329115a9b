//! How often which number was seen.

/// Bins on either side of 0.
const HALF: usize = 2048;

/// Counts of numbers in bins of one width around 0. Where a number lies beyond them, bins become twice as wide.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    limit: f32,
}

impl Histogram {
    pub fn new() -> Self {
        // Bins of the least normal number, so that small numbers have as many as large ones.
        Self { counts: vec![0; 2 * HALF], limit: HALF as f32 * f32::MIN_POSITIVE }
    }

    /// Counts finite numbers.
    pub fn add(&mut self, numbers: &[f32]) {
        let largest = numbers.iter().fold(0.0, |most: f32, number| most.max(number.abs()));
        while largest >= self.limit {
            self.widen();
        }
        let by = HALF as f32 / self.limit;
        for number in numbers {
            let bin = (number * by).floor() as isize + HALF as isize;
            self.counts[bin.clamp(0, 2 * HALF as isize - 1) as usize] += 1;
        }
    }

    fn widen(&mut self) {
        self.limit *= 2.0;
        if self.counts.iter().all(|&count| count == 0) {
            return;
        }
        let mut wider = vec![0; 2 * HALF];
        for (at, count) in self.counts.iter().enumerate() {
            wider[HALF / 2 + at / 2] += count;
        }
        self.counts = wider;
    }

    /// The middle of each bin that is not empty, and its count.
    pub fn bins(&self) -> impl Iterator<Item = (f32, u64)> + '_ {
        let width = self.limit / HALF as f32;
        let middle = move |at: usize| (at as f32 + 0.5 - HALF as f32) * width;
        self.counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(move |(at, &count)| (middle(at), count))
    }

    /// Numbers counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The counts, the place of the first bin above 0, and the width of a bin.
    pub fn signed(&self) -> (&[u64], usize, f32) {
        (&self.counts, HALF, self.limit / HALF as f32)
    }

    /// Between these two lies all but `outside` of the numbers, half of the rest on either side.
    pub fn percentiles(&self, outside: f64) -> (f32, f32) {
        let width = self.limit / HALF as f32;
        let allowed = (self.total() as f64 * outside / 2.0).floor() as u64;
        let low = self.passed(0..2 * HALF, allowed);
        let high = self.passed((0..2 * HALF).rev(), allowed);
        ((low as f32 - HALF as f32) * width, (high as f32 + 1.0 - HALF as f32) * width)
    }

    /// The first of `bins` by which more than `allowed` numbers have gone by.
    fn passed(&self, mut bins: impl Iterator<Item = usize>, allowed: u64) -> usize {
        let mut passed = 0;
        let beyond = |&at: &usize| {
            passed += self.counts[at];
            passed > allowed
        };
        bins.find(beyond).unwrap_or(HALF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wider_is_counted_again() {
        let mut histogram = Histogram::new();
        histogram.add(&[0.1, -0.1, 0.1]);
        histogram.add(&[3.0, -100.0]);
        assert_eq!(histogram.total(), 5);
        let bins: Vec<_> = histogram.bins().collect();
        assert!((bins[0].0 + 100.0).abs() < 0.1 && bins[0].1 == 1, "{bins:?}");
        assert_eq!(bins.iter().map(|bin| bin.1).sum::<u64>(), 5);
        let (counts, zero, width) = histogram.signed();
        assert_eq!(counts[zero - (100.0 / width) as usize], 1);
    }

    #[test]
    fn small_numbers_have_bins_enough() {
        let mut histogram = Histogram::new();
        let numbers: Vec<f32> = (0..1000).map(|at| at as f32 * 1e-15).collect();
        histogram.add(&numbers);
        assert!(histogram.bins().count() > 400);
        let (_, high) = histogram.percentiles(0.0);
        assert!((0.99e-12..1.01e-12).contains(&high), "{high}");
        histogram.add(&[1e-40, 0.0, 1e30]);
        assert_eq!(histogram.total(), 1003);
    }

    #[test]
    fn percentiles_leave_out_the_ends() {
        let mut histogram = Histogram::new();
        let numbers: Vec<f32> = (0..10_000).map(|at| at as f32 / 10_000.0).collect();
        histogram.add(&numbers);
        histogram.add(&[50.0]);
        let (low, high) = histogram.percentiles(0.001);
        assert!((-0.1..=0.05).contains(&low) && (0.9..1.2).contains(&high), "{low} {high}");
        let (_, all) = histogram.percentiles(0.0);
        assert!(all >= 50.0, "{all}");
    }
}
