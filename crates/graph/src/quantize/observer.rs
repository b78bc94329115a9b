//! Which range of the numbers that were seen is to be represented.

use super::{entropy::least_divergence, histogram::Histogram, scale::Activations};

/// How the range of an activation follows from what was seen of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Observer {
    /// From the least number to the largest.
    #[default]
    MinMax,
    /// The least and the largest number of each batch, averaged: after each batch `weight` of the way to the batch's.
    MovingAverage {
        /// Between 0 and 1.
        weight: f32,
    },
    /// All but this share of the numbers, half of it on either side.
    Percentile {
        /// Such as 0.0001.
        outside: f64,
    },
    /// The range whose numbers lose least information: the least Kullback–Leibler divergence of their distribution before and
    /// after (Migacz, 8-bit inference with TensorRT, GTC 2017); values that stand out by their number count like their
    /// neighbours.
    Entropy,
    /// The range with the least mean squared error.
    MeanSquare,
}

impl Observer {
    /// One of each, with the usual parameters.
    pub const ALL: [Self; 5] = [
        Self::MinMax,
        Self::MovingAverage { weight: 0.1 },
        Self::Percentile { outside: 1e-4 },
        Self::Entropy,
        Self::MeanSquare,
    ];

    /// The name, as on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MinMax => "min-max",
            Self::MovingAverage { .. } => "moving-average",
            Self::Percentile { .. } => "percentile",
            Self::Entropy => "entropy",
            Self::MeanSquare => "mse",
        }
    }
}

/// What was seen of one activation.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    low: f32,
    high: f32,
    average: Option<(f32, f32)>,
    histogram: Histogram,
}

/// Ranges that are tried for the least error.
const TRIES: usize = 100;

impl Seen {
    pub fn new() -> Self {
        Self { low: f32::INFINITY, high: f32::NEG_INFINITY, average: None, histogram: Histogram::new() }
    }

    /// Sees finite numbers, and counts them if the observer needs that or `count` says so.
    pub fn see(&mut self, numbers: &[f32], observer: Observer, count: bool) {
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        for &number in numbers {
            low = low.min(number);
            high = high.max(number);
        }
        if numbers.is_empty() {
            return;
        }
        (self.low, self.high) = (self.low.min(low), self.high.max(high));
        if let Observer::MovingAverage { weight } = observer {
            self.average = Some(match self.average {
                None => (low, high),
                Some((l, h)) => (l + weight * (low - l), h + weight * (high - h)),
            });
        }
        let needs =
            matches!(observer, Observer::Percentile { .. } | Observer::Entropy | Observer::MeanSquare);
        if needs || count {
            self.histogram.add(numbers);
        }
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.low > self.high
    }

    /// How often which number was seen, if numbers were counted.
    pub fn counts(&self) -> Option<&Histogram> {
        (self.histogram.total() > 0).then_some(&self.histogram)
    }

    /// The range to represent; it contains 0.
    pub fn range(&self, observer: Observer, activations: Activations) -> (f32, f32) {
        if self.is_empty() {
            return (0.0, 0.0);
        }
        let (low, high) = match observer {
            Observer::MinMax => (self.low, self.high),
            Observer::MovingAverage { .. } => self.average.unwrap_or((self.low, self.high)),
            Observer::Percentile { outside } => {
                let (low, high) = self.histogram.percentiles(outside);
                (low.max(self.low), high.min(self.high))
            }
            Observer::Entropy => {
                let symmetric = activations == Activations::Symmetric;
                let (low, high) = least_divergence(&self.histogram, symmetric);
                (self.low.max(low), self.high.min(high))
            }
            Observer::MeanSquare => self.least_error(activations),
        };
        (low.min(0.0), high.max(0.0))
    }

    /// Of the ranges whose ends are shares of those that were seen, one with a small squared error: each end is moved while the
    /// other stays, the upper one twice.
    fn least_error(&self, activations: Activations) -> (f32, f32) {
        let bins: Vec<_> = self.histogram.bins().collect();
        let error = |range: (f32, f32)| -> f64 {
            let scale = activations.scale(range);
            let squared = |&(number, count): &(f32, u64)| {
                f64::from(number - scale.round_trip(number)).powi(2) * count as f64
            };
            bins.iter().map(squared).sum()
        };
        let (low, high) = (self.low.min(0.0), self.high.max(0.0));
        let mut range = (low, high);
        for upper in [true, false, true] {
            let tries = (1..=TRIES).map(|step| {
                let share = step as f32 / TRIES as f32;
                if upper { (range.0, high * share) } else { (low * share, range.1) }
            });
            let best = tries.map(|range| (error(range), range)).min_by(|a, b| a.0.total_cmp(&b.0));
            range = best.map_or(range, |(_, range)| range);
        }
        range
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(observer: Observer, batches: &[&[f32]]) -> (f32, f32) {
        let mut seen = Seen::new();
        batches.iter().for_each(|batch| seen.see(batch, observer, false));
        seen.range(observer, Activations::Affine)
    }

    #[test]
    fn outliers_widen_only_what_takes_all() {
        // A bell, by the sum of twelve even numbers, and one outlier.
        let mut state = 1u32;
        let mut even = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as f32 / u32::MAX as f32
        };
        let bell: Vec<f32> = (0..50_000).map(|_| (0..12).map(|_| even()).sum::<f32>() - 6.0).collect();
        let outlier = [60.0f32];
        let all = range(Observer::MinMax, &[&bell, &outlier]);
        assert!(all.1 == 60.0 && all.0 < -3.0, "{all:?}");
        for observer in [Observer::Percentile { outside: 1e-3 }, Observer::Entropy] {
            let (low, high) = range(observer, &[&bell, &outlier]);
            assert!((-8.0..-2.0).contains(&low) && (2.0..45.0).contains(&high), "{observer:?} {low} {high}");
        }
        // One number so far off costs as much as all the others' rounding: a little of it is cut off, and with it below 0.
        let (low, high) = range(Observer::MeanSquare, &[&bell, &outlier]);
        assert!(low > all.0 && (50.0..60.0).contains(&high), "{low} {high}");
        let average = range(Observer::MovingAverage { weight: 0.1 }, &[&bell, &outlier]);
        assert!((5.0..12.0).contains(&average.1), "{average:?}");
    }

    #[test]
    fn one_number_and_none() {
        for observer in Observer::ALL {
            assert_eq!(range(observer, &[]), (0.0, 0.0), "{observer:?}");
            assert_eq!(range(observer, &[&[0.0; 9]]), (0.0, 0.0), "{observer:?}");
            let (low, high) = range(observer, &[&[3.0; 9]]);
            assert!(low == 0.0 && (2.5..=3.01).contains(&high), "{observer:?} {high}");
        }
    }
}
