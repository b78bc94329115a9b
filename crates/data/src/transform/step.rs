//! An image, and a step from image to image.

use crate::{DataError, SampleRng};

/// What a mask has where there is no class: PyTorch's `ignore_index`.
pub const IGNORED: i32 = -100;

/// One image on its way into a batch: C×H×W, row-major; the loader hands it over scaled to 0…1.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Shape (C, H, W).
    pub shape: [usize; 3],
    /// The pixels, C·H·W of them.
    pub pixels: Vec<f32>,
    /// For segmentation, the class of each pixel, H·W of them: what moves pixels moves these too.
    pub mask: Option<Vec<i32>>,
}

impl Image {
    /// An image without a mask.
    #[must_use]
    pub fn new(shape: [usize; 3], pixels: Vec<f32>) -> Self {
        Self { shape, pixels, mask: None }
    }

    /// Scales bytes to 0…1.
    ///
    /// # Errors
    /// [`DataError::PixelCount`] when there are not C·H·W bytes.
    pub fn from_bytes(shape: [usize; 3], bytes: &[u8]) -> Result<Self, DataError> {
        let [c, h, w] = shape;
        if c.checked_mul(h).and_then(|n| n.checked_mul(w)) != Some(bytes.len()) {
            return Err(DataError::PixelCount { bytes: bytes.len(), shape });
        }
        Ok(Self::new(shape, bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect()))
    }

    /// All fields are public, so a step that indexes pixels by the shape asks first whether they agree.
    pub(super) fn check(&self, transform: &'static str) -> Result<(), DataError> {
        let [c, h, w] = self.shape;
        let plane = h.checked_mul(w);
        let fault = |found: usize, what: &str| {
            let reason = format!("{found} {what} do not make an image");
            Err(DataError::Transform { transform, shape: self.shape, reason })
        };
        if plane.and_then(|plane| plane.checked_mul(c)) != Some(self.pixels.len()) {
            return fault(self.pixels.len(), "pixels");
        }
        match &self.mask {
            Some(mask) if Some(mask.len()) != plane => fault(mask.len(), "pixels of a mask"),
            _ => Ok(()),
        }
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
