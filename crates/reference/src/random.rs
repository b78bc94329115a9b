//! Counter-based random numbers: Philox 4×32 with ten rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
//! SC 2011). A number is a function of seed, stream and index, so that any order of threads draws the same bits.
//!
//! Element i of a stream takes word i mod 4 of the block whose counter is ⌊i / 4⌋ (low word, high word), stream (low,
//! high), under the key seed (low, high).

use std::f64::consts::TAU;

use tilewright_ops::Dropout;

use crate::indexing::valid;

/// The multipliers of a round.
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// What the key grows by after each round: the golden ratio and √3 − 1 as binary fractions.
const KEY_STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Four random words for a counter under a key.
#[must_use]
pub fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut c0, mut c1, mut c2, mut c3], [mut k0, mut k1]) = (counter, key);
    for _ in 0..10 {
        let first = u64::from(MULTIPLIERS[0]) * u64::from(c0);
        let second = u64::from(MULTIPLIERS[1]) * u64::from(c2);
        (c0, c1, c2, c3) =
            ((second >> 32) as u32 ^ c1 ^ k0, second as u32, (first >> 32) as u32 ^ c3 ^ k1, first as u32);
        k0 = k0.wrapping_add(KEY_STEPS[0]);
        k1 = k1.wrapping_add(KEY_STEPS[1]);
    }
    [c0, c1, c2, c3]
}

/// The first `count` random words of a stream.
#[must_use]
pub fn words(seed: u64, stream: u64, count: usize) -> Vec<u32> {
    let low_high = |value: u64| [value as u32, (value >> 32) as u32];
    let ([s0, s1], key) = (low_high(stream), low_high(seed));
    let blocks = (0..count.div_ceil(4) as u64).flat_map(|block| {
        let [b0, b1] = low_high(block);
        philox4x32_10([b0, b1, s0, s1], key)
    });
    blocks.take(count).collect()
}

/// The uniform number in [0, 1) that a word stands for: its upper 24 bits, exact in f32.
#[must_use]
pub fn uniform_from_word(word: u32) -> f32 {
    (word >> 8) as f32 * (1.0 / (1 << 24) as f32)
}

/// The first `count` uniform numbers in [0, 1) of a stream. Kernels give the same bits.
#[must_use]
pub fn uniform(seed: u64, stream: u64, count: usize) -> Vec<f32> {
    words(seed, stream, count).into_iter().map(uniform_from_word).collect()
}

/// The first `count` standard normal numbers of a stream, by Box and Muller's transform: words 0 and 1 of a block give
/// elements 0 and 1, words 2 and 3 give elements 2 and 3. With r = √(−2 log(1 − u₁)) they are r cos 2πu₂ and r sin 2πu₂;
/// 1 − u₁ is never 0. Kernels use the device's log, cos and sin: close, not the same bits.
#[must_use]
pub fn normal(seed: u64, stream: u64, count: usize) -> Vec<f32> {
    let words = words(seed, stream, count.next_multiple_of(2));
    let pairs = words.chunks_exact(2).flat_map(|pair| {
        let [u1, u2] = [pair[0], pair[1]].map(|word| f64::from(uniform_from_word(word)));
        let radius = (-2.0 * (1.0 - u1).ln()).sqrt();
        [(radius * (TAU * u2).cos()) as f32, (radius * (TAU * u2).sin()) as f32]
    });
    pairs.take(count).collect()
}

/// Which elements a dropout keeps: those whose uniform number is at least p.
#[must_use]
pub fn dropout_mask(op: Dropout, seed: u64, stream: u64, count: usize) -> Vec<bool> {
    valid(op.check());
    uniform(seed, stream, count).into_iter().map(|u| u >= op.p).collect()
}

/// Drops elements and scales those kept by 1 / (1 − p). The gradient is the same function of grad_y.
#[must_use]
pub fn dropout(op: Dropout, x: &[f32], seed: u64, stream: u64) -> Vec<f32> {
    let keep = dropout_mask(op, seed, stream, x.len());
    x.iter().zip(keep).map(|(&x, keep)| if keep { x * op.scale() } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // The vectors that Random123 publishes in its file kat_vectors, for philox4x32 with 10 rounds.
        let ones = u32::MAX;
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        let cases = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([ones; 4], [ones; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (pi, [0xa409_3822, 0x299f_31d0], [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]),
        ];
        for (counter, key, expected) in cases {
            assert_eq!(philox4x32_10(counter, key), expected, "{counter:x?} {key:x?}");
        }
    }

    #[test]
    fn elements_take_the_words_of_their_block() {
        let (seed, stream) = (0x1234_5678_9abc_def0, 0x0fed_cba9_8765_4321);
        let block = philox4x32_10([1, 0, 0x8765_4321, 0x0fed_cba9], [0x9abc_def0, 0x1234_5678]);
        assert_eq!(words(seed, stream, 7)[4..], block[..3]);
        assert_ne!(words(seed, stream, 4), words(seed, stream + 1, 4));
    }

    #[test]
    fn uniform_numbers_stay_below_one() {
        assert_eq!(uniform_from_word(0), 0.0);
        assert_eq!(uniform_from_word(u32::MAX), 1.0 - 2.0_f32.powi(-24));
        let numbers = uniform(1, 2, 100_000);
        let mean = numbers.iter().map(|&u| f64::from(u)).sum::<f64>() / 1e5;
        // Five standard errors of 1/√12/√n.
        assert!((mean - 0.5).abs() < 5.0 * 0.2887 / 1e5_f64.sqrt(), "{mean}");
    }

    #[test]
    fn normal_numbers_have_their_moments() {
        let numbers: Vec<f64> = normal(3, 4, 100_001).into_iter().map(f64::from).collect();
        assert_eq!(numbers.len(), 100_001);
        let moment = |power: i32| numbers.iter().map(|z| z.powi(power)).sum::<f64>() / 100_001.0;
        for (power, expected, deviation) in
            [(1, 0.0, 1.0), (2, 1.0, 2.0_f64.sqrt()), (4, 3.0, 96.0_f64.sqrt())]
        {
            assert!(
                (moment(power) - expected).abs() < 5.0 * deviation / 100_001_f64.sqrt(),
                "moment {power}"
            );
        }
    }

    #[test]
    fn dropout_keeps_its_share() {
        let x = vec![1.0; 10_000];
        let op = Dropout { p: 0.25 };
        let y = dropout(op, &x, 5, 6);
        let kept = y.iter().filter(|&&y| y == op.scale()).count();
        assert_eq!(kept + y.iter().filter(|&&y| y == 0.0).count(), 10_000);
        assert!((kept as f64 - 7500.0).abs() < 5.0 * (10_000.0_f64 * 0.25 * 0.75).sqrt(), "{kept}");
        assert_eq!(dropout(Dropout { p: 0.0 }, &x, 5, 6), x);
        assert_eq!(dropout(Dropout { p: 1.0 }, &x, 5, 6), vec![0.0; 10_000]);
    }
}
