//! An image, and a step from image to image.

use crate::{DataError, SampleRng};

/// One image on its way into a batch: C×H×W, row-major; the loader hands it over scaled to 0…1.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Shape (C, H, W).
    pub shape: [usize; 3],
    /// The pixels, C·H·W of them.
    pub pixels: Vec<f32>,
}

impl Image {
    /// Scales bytes to 0…1.
    ///
    /// # Errors
    /// [`DataError::PixelCount`] when there are not C·H·W bytes.
    pub fn from_bytes(shape: [usize; 3], bytes: &[u8]) -> Result<Self, DataError> {
        let [c, h, w] = shape;
        if c.checked_mul(h).and_then(|n| n.checked_mul(w)) != Some(bytes.len()) {
            return Err(DataError::PixelCount { bytes: bytes.len(), shape });
        }
        Ok(Self { shape, pixels: bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect() })
    }

    /// Both fields are public, so a step that indexes pixels by the shape asks first whether they agree.
    pub(super) fn check(&self, transform: &'static str) -> Result<(), DataError> {
        let [c, h, w] = self.shape;
        if c.checked_mul(h).and_then(|n| n.checked_mul(w)) != Some(self.pixels.len()) {
            let reason = format!("{} pixels do not make an image", self.pixels.len());
            return Err(DataError::Transform { transform, shape: self.shape, reason });
        }
        Ok(())
    }
}

/// A step from image to image.
///
/// All chance comes from the generator that is passed in, so that the result depends on (seed, epoch, sample) alone.
/// The shape that comes out depends on the shape that goes in and on nothing else.
pub trait Transform: Send + Sync {
    /// The shape (C, H, W) that comes out when `input` goes in.
    ///
    /// # Errors
    /// [`DataError::Transform`] when the step cannot work on such an image.
    fn output_shape(&self, input: [usize; 3]) -> Result<[usize; 3], DataError> {
        Ok(input)
    }

    /// Changes the image.
    ///
    /// # Errors
    /// [`DataError::Transform`] when the step cannot work on such an image.
    fn apply(&self, image: &mut Image, rng: &mut SampleRng) -> Result<(), DataError>;
}
