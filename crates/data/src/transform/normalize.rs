//! Normalisation by channel.

use super::step::{Image, Transform};
use crate::{DataError, SampleRng};

/// `(x − mean) / std`, by channel, as torchvision's `Normalize`.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalize {
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl Normalize {
    /// One mean and one standard deviation per channel, for pixels scaled to 0…1.
    ///
    /// # Errors
    /// [`DataError::InvalidOption`] when the lengths differ, a mean is not finite, or a deviation is not above zero.
    pub fn new(mean: &[f32], std: &[f32]) -> Result<Self, DataError> {
        let invalid = |reason: String| DataError::InvalidOption { setting: "Normalize", reason };
        if mean.len() != std.len() || mean.is_empty() {
            return Err(invalid(format!(
                "wants one mean and one deviation per channel, got {} and {}",
                mean.len(),
                std.len()
            )));
        }
        if let Some(bad) = mean.iter().find(|m| !m.is_finite()) {
            return Err(invalid(format!("the mean {bad} is not finite")));
        }
        if let Some(bad) = std.iter().find(|s| !(s.is_finite() && **s > 0.0)) {
            return Err(invalid(format!("the standard deviation {bad} is not above zero")));
        }
        Ok(Self { mean: mean.to_vec(), std: std.to_vec() })
    }
}

impl Transform for Normalize {
    fn output_shape(&self, input: [usize; 3]) -> Result<[usize; 3], DataError> {
        if input[0] != self.mean.len() {
            let reason = format!("was made for {} channels", self.mean.len());
            return Err(DataError::Transform { transform: "Normalize", shape: input, reason });
        }
        Ok(input)
    }

    fn apply(&self, image: &mut Image, _: &mut SampleRng) -> Result<(), DataError> {
        image.check("Normalize")?;
        let [_, height, width] = self.output_shape(image.shape)?;
        if height * width == 0 {
            return Ok(());
        }
        for (plane, (mean, std)) in
            image.pixels.chunks_exact_mut(height * width).zip(self.mean.iter().zip(&self.std))
        {
            for pixel in plane {
                *pixel = (*pixel - mean) / std;
            }
        }
        Ok(())
    }
}
