//! Random numbers that depend on what is drawn for, never on when or by whom.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// What a stream is drawn for; part of the key, so that no two uses share a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// The order of an epoch.
    Order = 1,
    /// The augmentation of one sample.
    Augmentation = 2,
    /// Which samples of a class are held back.
    Split = 3,
}

/// A stream of random numbers keyed by (seed, epoch, index): counter-based, with the same bits on every machine, in
/// every version, and on every thread.
///
/// The generator is ChaCha with 8 rounds (Bernstein, 2008), whose 256-bit key holds the whole coordinate. The ways to
/// draw a number from its bits are written here rather than taken from a library, for those may change.
#[derive(Debug)]
pub struct SampleRng(ChaCha8Rng);

impl SampleRng {
    /// The stream that augments sample `index` in `epoch`.
    #[must_use]
    pub fn new(seed: u64, epoch: u64, index: u64) -> Self {
        Self::keyed(seed, epoch, index, Purpose::Augmentation)
    }

    pub(crate) fn keyed(seed: u64, epoch: u64, index: u64, purpose: Purpose) -> Self {
        let mut key = [0u8; 32];
        for (part, value) in key.chunks_exact_mut(8).zip([seed, epoch, index, purpose as u64]) {
            part.copy_from_slice(&value.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0..bound`, each equally likely (Lemire, arXiv 1805.10941); 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // 2^64 mod bound of the products' low halves would make some results likelier: draw again on those.
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
        }
    }

    /// A number in `[0, 1)` with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_never_change() {
        // If this fails, every seed ever written down means another run: do not adapt the numbers.
        let mut rng = SampleRng::new(1, 2, 3);
        let drawn: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
        assert_eq!(drawn, PINNED, "{drawn:#x?}");
        assert_eq!(SampleRng::new(1, 2, 3).below(1000), ((u128::from(PINNED[0]) * 1000) >> 64) as u64);
    }

    /// ChaCha8's first block for the key (1, 2, 3, 2) as little-endian u64, also worked out by hand from its definition.
    const PINNED: [u64; 3] = [0x920d_7902_6331_7f93, 0x6140_96d4_4288_c718, 0x41df_1e63_dcf2_802a];

    #[test]
    fn every_coordinate_is_another_stream() {
        let first = |seed, epoch, index| SampleRng::new(seed, epoch, index).next_u64();
        let draws = [first(0, 0, 0), first(1, 0, 0), first(0, 1, 0), first(0, 0, 1)];
        for (i, a) in draws.iter().enumerate() {
            assert!(draws[..i].iter().all(|b| a != b), "{draws:x?}");
        }
        assert_ne!(draws[0], SampleRng::keyed(0, 0, 0, Purpose::Order).next_u64());
    }

    #[test]
    fn below_is_even_and_in_range() {
        let mut rng = SampleRng::new(5, 0, 0);
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[rng.below(7) as usize] += 1;
        }
        // Five standard deviations of a binomial with n = 70,000 and p = 1/7 are 463.
        assert!(counts.iter().all(|c| c.abs_diff(10_000) < 463), "{counts:?}");
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.below(1), 0);
        assert!((0..1000).all(|_| (0.0..1.0).contains(&rng.unit())));
    }
}
