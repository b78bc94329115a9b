//! Mirror images.

use super::step::{Image, Transform};
use crate::{DataError, SampleRng};

/// Mirrors the image left to right with a given probability, as torchvision's `RandomHorizontalFlip`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomHorizontalFlip {
    probability: f64,
}

impl RandomHorizontalFlip {
    /// Mirrors with `probability`, from 0 (never) to 1 (always).
    ///
    /// # Errors
    /// [`DataError::InvalidOption`] when it is outside of that.
    pub fn new(probability: f64) -> Result<Self, DataError> {
        if !(0.0..=1.0).contains(&probability) {
            let reason = format!("the probability {probability} is not between 0 and 1");
            return Err(DataError::InvalidOption { setting: "RandomHorizontalFlip", reason });
        }
        Ok(Self { probability })
    }
}

impl Transform for RandomHorizontalFlip {
    fn apply(&self, image: &mut Image, rng: &mut SampleRng) -> Result<(), DataError> {
        image.check("RandomHorizontalFlip")?;
        let width = image.shape[2];
        // Always draw, so that the steps after this one see the same numbers whatever the probability.
        if rng.unit() < self.probability && width > 0 {
            image.pixels.chunks_exact_mut(width).for_each(<[f32]>::reverse);
            image.mask.iter_mut().for_each(|mask| mask.chunks_exact_mut(width).for_each(<[i32]>::reverse));
        }
        Ok(())
    }
}
