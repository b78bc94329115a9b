//! What fp32 by products of f16 halves means, in scalars: the splitting, the three products, and where they are rounded.

use half::f16;

/// `a` as `high + low / 2048`, both in f16: 22 of the 24 bits of an f32 and the sign of the rest, for |a| from 2⁻¹⁴ to
/// 65,504. (Ootomo and Yokota, arXiv 2203.03341, equations 18 and 19.)
#[must_use]
pub fn split(a: f32) -> (f16, f16) {
    let high = f16::from_f32(a);
    (high, f16::from_f32((a - high.to_f32()) * 2048.0))
}

/// The power of two that brings `largest` to 2¹³ … 2¹⁴, as far as an f32 holds it and its inverse.
#[must_use]
pub fn scale(largest: f32) -> f32 {
    let exponent = (largest.to_bits() >> 23) & 255;
    f32::from_bits((267 - exponent).min(253) << 23)
}

/// left · right of M K by K N row-major matrices, as matrix units of f16 with f32 sums compute it: blocks of 16 terms are
/// summed by the unit (here in order, in f32), the blocks' sums of the high halves are added in f32 outside of it, those
/// of the products of a high and a low half inside.
#[must_use]
pub fn matmul(left: &[f32], right: &[f32], [m, n, k]: [usize; 3]) -> Vec<f32> {
    let largest = |x: &[f32]| x.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    let scales = [scale(largest(left)), scale(largest(right))];
    let halves = |x: &[f32], scale: f32| -> Vec<[f32; 2]> {
        let of = |value: &f32| {
            let (high, low) = split(value * scale);
            [high.to_f32(), low.to_f32()]
        };
        x.iter().map(of).collect()
    };
    let (a, b) = (halves(left, scales[0]), halves(right, scales[1]));
    let mut y = Vec::with_capacity(m * n);
    for row in 0..m {
        for column in 0..n {
            let (mut sum, mut rest) = (0.0f32, 0.0f32);
            for block in (0..k).step_by(16) {
                let terms = (block..k.min(block + 16)).map(|i| (a[row * k + i], b[i * n + column]));
                let mut of_block = 0.0f32;
                for ([a_high, a_low], [b_high, b_low]) in terms {
                    of_block += a_high * b_high;
                    rest += a_high * b_low;
                    rest += a_low * b_high;
                }
                sum += of_block;
            }
            y.push((sum + rest / 2048.0) / scales[0] / scales[1]);
        }
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_halves_hold_22_bits() {
        for i in 0..200_000_u32 {
            let mantissa = f32::from_bits(0x3f80_0000 | (i.wrapping_mul(2_654_435_761) >> 9));
            for a in [mantissa * 8192.0, -mantissa, mantissa / 8192.0] {
                let (high, low) = split(a);
                let back = f64::from(high) + f64::from(low) / 2048.0;
                let relative = ((back - f64::from(a)) / f64::from(a)).abs();
                assert!(relative <= 2.0f64.powi(-22), "{a}: {relative:e}");
            }
        }
    }

    #[test]
    fn a_scaled_operand_fits_f16() {
        for largest in [0.0, f32::MIN_POSITIVE, 1e-30, 0.7, 1.0, 1.5, 65504.0, 1e30, f32::MAX] {
            let scaled = largest * scale(largest);
            assert!(scaled < 16384.0 && (largest < 1e-34 || scaled >= 8192.0), "{largest}: {scaled}");
            assert!(scale(largest).is_normal() && (1.0 / scale(largest)).is_normal());
        }
    }

    /// The error bound of the method, relative to Σ|a||b|, on numbers that have all bits of an f32 and differ by five
    /// orders of magnitude; and that one product of halves misses it by far, so that the test can fail.
    #[test]
    fn the_error_is_a_few_units_of_fp32() {
        let [m, n, k] = [8, 8, 3000];
        let value = |i: usize, seed: u32| {
            let bits = (i as u32).wrapping_add(seed).wrapping_mul(2_654_435_761);
            let mixed = (bits ^ (bits >> 15)).wrapping_mul(2_246_822_519);
            let unit = (mixed >> 8) as f32 / (1 << 23) as f32 - 1.0;
            unit * 10.0f32.powi((mixed % 6) as i32 - 3)
        };
        let left: Vec<f32> = (0..m * k).map(|i| value(i, 1)).collect();
        let right: Vec<f32> = (0..k * n).map(|i| value(i, 7_000_001)).collect();
        let y = matmul(&left, &right, [m, n, k]);
        let (mut worst, mut worst_of_one) = (0.0f64, 0.0f64);
        for row in 0..m {
            for column in 0..n {
                let (mut exact, mut absolute, mut one) = (0.0f64, 0.0f64, 0.0f64);
                for i in 0..k {
                    let (a, b) = (left[row * k + i], right[i * n + column]);
                    let product = f64::from(a) * f64::from(b);
                    exact += product;
                    absolute += product.abs();
                    one += f64::from(f16::from_f32(a)) * f64::from(f16::from_f32(b));
                }
                worst = worst.max((f64::from(y[row * n + column]) - exact).abs() / absolute);
                worst_of_one = worst_of_one.max((one - exact).abs() / absolute);
            }
        }
        assert!(worst <= 3e-7, "{worst:e}");
        assert!(worst_of_one > 3e-6, "{worst_of_one:e}");
    }
}
