//! Mirror images.

use tilewright_data::SampleRng;

use super::sample::{Sample, Step, pixels, set_pixels};
use crate::error::DetectError;

/// Mirrors a sample left to right with a given probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HorizontalFlip {
    probability: f64,
}

impl HorizontalFlip {
    /// Mirrors with `probability`, from 0 (never) to 1 (always).
    ///
    /// # Errors
    /// [`DetectError::Unfit`] when it is outside of that.
    pub fn new(probability: f64) -> Result<Self, DetectError> {
        if (0.0..=1.0).contains(&probability) {
            return Ok(Self { probability });
        }
        Err(DetectError::unfit(
            "HorizontalFlip",
            format!("the probability {probability} is not between 0 and 1"),
        ))
    }
}

impl Step for HorizontalFlip {
    fn apply(&self, sample: &mut Sample, rng: &mut SampleRng) -> Result<(), DetectError> {
        sample.check()?;
        let size = sample.size();
        let width = size[1];
        // Always draw, so that the steps after this one see the same numbers whatever the probability.
        if rng.unit() >= self.probability || width == 0 {
            return Ok(());
        }
        sample.image.pixels.chunks_exact_mut(width).for_each(<[f32]>::reverse);
        if let Some(mask) = &mut sample.image.mask {
            mask.chunks_exact_mut(width).for_each(<[i32]>::reverse);
        }
        for object in &mut sample.objects {
            object.bbox.x = width as f64 - object.bbox.x - object.bbox.width;
            if let Some(mut pixels) = pixels(object, size)? {
                let area = object.area;
                pixels.chunks_exact_mut(width).for_each(<[u8]>::reverse);
                set_pixels(object, size, &pixels)?;
                object.area = area;
            }
        }
        Ok(())
    }
}
