//! In which order an epoch visits the samples.

use crate::{random::Purpose, random::SampleRng};

/// The order of an epoch. Every sample comes exactly once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sampler {
    /// 0, 1, 2, …
    #[default]
    Sequential,
    /// A new shuffle each epoch, the same for the same seed and epoch.
    Shuffled {
        /// The seed.
        seed: u64,
    },
}

impl Sampler {
    /// The order in which `epoch` visits `len` samples.
    ///
    /// The shuffle is Fisher and Yates' in Durstenfeld's form: from the last place down, swap with a place at or below.
    #[must_use]
    pub fn order(self, len: usize, epoch: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..len).collect();
        if let Sampler::Shuffled { seed } = self {
            let mut rng = SampleRng::keyed(seed, epoch, 0, Purpose::Order);
            for last in (1..len).rev() {
                order.swap(last, rng.below(last as u64 + 1) as usize);
            }
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequential_is_the_identity() {
        assert_eq!(Sampler::Sequential.order(4, 9), [0, 1, 2, 3]);
        assert!(Sampler::Sequential.order(0, 0).is_empty());
    }

    #[test]
    fn shuffled_is_a_permutation_fixed_by_seed_and_epoch() {
        let order = Sampler::Shuffled { seed: 3 }.order(1000, 0);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, Sampler::Sequential.order(1000, 0));
        assert_ne!(order, sorted);
        assert_eq!(order, Sampler::Shuffled { seed: 3 }.order(1000, 0));
        assert_ne!(order, Sampler::Shuffled { seed: 3 }.order(1000, 1));
        assert_ne!(order, Sampler::Shuffled { seed: 4 }.order(1000, 0));
        assert!(Sampler::Shuffled { seed: 3 }.order(0, 0).is_empty());
        assert_eq!(Sampler::Shuffled { seed: 3 }.order(1, 0), [0]);
    }

    #[test]
    fn every_permutation_of_three_is_as_likely() {
        let mut counts = std::collections::BTreeMap::<Vec<usize>, u32>::new();
        for epoch in 0..6000 {
            *counts.entry(Sampler::Shuffled { seed: 11 }.order(3, epoch)).or_default() += 1;
        }
        assert_eq!(counts.len(), 6);
        // Five standard deviations of a binomial with n = 6,000 and p = 1/6 are 144.
        assert!(counts.values().all(|c| c.abs_diff(1000) < 144), "{counts:?}");
    }
}
