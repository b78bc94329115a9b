//! How ranges become scales.

use tilewright_ops::{DType, Quantization};

/// How activations are quantised: i8, with one scale for a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Activations {
    /// The range from end to end, with a zero point.
    #[default]
    Affine,
    /// As far to the one side of 0 as to the other, with a zero point of 0.
    Symmetric,
}

/// What the numbers of i8 stand for: (number − zero point) · scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// What a step is.
    pub scale: f32,
    /// The number that stands for 0.
    pub zero_point: i32,
}

impl Activations {
    /// The scale of a range that contains 0.
    #[must_use]
    pub fn scale(self, (low, high): (f32, f32)) -> Scale {
        let (scale, zero_point) = match self {
            Self::Affine => {
                let scale = (high - low) / 255.0;
                (scale, (-128.0 - low / scale).round_ties_even())
            }
            Self::Symmetric => (high.max(-low) / 127.0, 0.0),
        };
        // Of zeros alone any scale is right.
        if !(scale.is_finite() && scale >= f32::MIN_POSITIVE) {
            return Scale { scale: 1.0, zero_point: 0 };
        }
        Scale { scale, zero_point: (zero_point as i32).clamp(-128, 127) }
    }
}

impl Scale {
    /// What a real number is after it has been a byte.
    pub(super) fn round_trip(self, number: f32) -> f32 {
        let (low, high) = Quantization::range(DType::I8).unwrap_or_default();
        let steps = (number / self.scale).round_ties_even() + self.zero_point as f32;
        (steps.clamp(low as f32, high as f32) - self.zero_point as f32) * self.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_a_number() {
        for range in [(-1.0, 3.0), (0.0, 6.0), (-2.5, 0.0), (-1e-3, 1e4), (0.0, 0.0)] {
            for activations in [Activations::Affine, Activations::Symmetric] {
                let scale = activations.scale(range);
                assert_eq!(scale.round_trip(0.0), 0.0, "{range:?}");
                let wrong = (scale.round_trip(range.1) - range.1).abs();
                assert!(wrong <= scale.scale * 0.51, "{range:?} {scale:?}");
            }
        }
    }
}
