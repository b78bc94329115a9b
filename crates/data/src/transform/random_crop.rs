//! Random windows.

use super::{
    step::{Image, Transform},
    window::Window,
};
use crate::{DataError, SampleRng};

/// Keeps the sums of sides and paddings far from overflow.
const MAX_PADDING: usize = 65_535;

/// Pads the image on all four sides with a value and cuts a window out of it at random, as torchvision's `RandomCrop`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomCrop {
    height: usize,
    width: usize,
    padding: usize,
    fill: f32,
}

impl RandomCrop {
    /// A window of `height`×`width`, after `padding` zeros on each side.
    ///
    /// # Errors
    /// [`DataError::InvalidOption`] when the window is empty or the padding over 65,535.
    pub fn new(height: usize, width: usize, padding: usize) -> Result<Self, DataError> {
        if height == 0 || width == 0 {
            let reason = format!("a window of {height}×{width} holds no pixel");
            return Err(DataError::InvalidOption { setting: "RandomCrop", reason });
        }
        if padding > MAX_PADDING {
            let reason = format!("a padding of {padding} is over the {MAX_PADDING} pixels that make sense");
            return Err(DataError::InvalidOption { setting: "RandomCrop", reason });
        }
        Ok(Self { height, width, padding, fill: 0.0 })
    }

    /// Pads with `fill` instead of zero.
    #[must_use]
    pub fn fill(self, fill: f32) -> Self {
        Self { fill, ..self }
    }
}

impl Transform for RandomCrop {
    fn output_shape(&self, input: [usize; 3]) -> Result<[usize; 3], DataError> {
        let [channels, height, width] = input;
        if self.height > height + 2 * self.padding || self.width > width + 2 * self.padding {
            let reason = format!(
                "a window of {}×{} does not fit after padding by {}; pad more or cut less",
                self.height, self.width, self.padding
            );
            return Err(DataError::Transform { transform: "RandomCrop", shape: input, reason });
        }
        Ok([channels, self.height, self.width])
    }

    fn apply(&self, image: &mut Image, rng: &mut SampleRng) -> Result<(), DataError> {
        image.check("RandomCrop")?;
        self.output_shape(image.shape)?;
        let [_, height, width] = image.shape;
        // The window's corner in the padded image, which is never made.
        let top = rng.below((height + 2 * self.padding - self.height + 1) as u64) as isize;
        let left = rng.below((width + 2 * self.padding - self.width + 1) as u64) as isize;
        let padding = self.padding as isize;
        let window =
            Window { top: top - padding, left: left - padding, height: self.height, width: self.width };
        window.cut(image, self.fill);
        Ok(())
    }
}
