//! Another size, and the middle of an image.

use super::{
    resampling::resize,
    step::{Image, Transform},
    window::Window,
};
use crate::{DataError, SampleRng};

/// The longest side that comes out.
const LONGEST: usize = 1 << 16;

/// What size comes out of a [`Resize`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// The shorter side has so many pixels, the longer one keeps the proportions.
    Shorter(usize),
    /// So many rows and columns.
    Exactly(usize, usize),
}

/// Resizes by the triangle filter, which is widened where the image becomes smaller: torchvision's `Resize` of PIL pictures
/// but for the rounding to whole grey levels. A mask takes the nearest pixel, by PIL's rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resize(Size);

impl Resize {
    /// To this size.
    ///
    /// # Errors
    /// [`DataError::InvalidOption`] for a side of 0 or over 65,536.
    pub fn new(size: Size) -> Result<Self, DataError> {
        let sides = match size {
            Size::Shorter(side) => [side, side],
            Size::Exactly(height, width) => [height, width],
        };
        sides_fit("Resize", sides)?;
        Ok(Self(size))
    }
}

pub(super) fn sides_fit(setting: &'static str, sides: [usize; 2]) -> Result<(), DataError> {
    match sides.into_iter().find(|&side| side == 0 || side > LONGEST) {
        Some(side) => {
            let reason = format!("a side of {side} pixels; it must be 1 to {LONGEST}");
            Err(DataError::InvalidOption { setting, reason })
        }
        None => Ok(()),
    }
}

/// No step can fill an image from one without a pixel.
pub(super) fn not_empty(transform: &'static str, shape: [usize; 3]) -> Result<(), DataError> {
    if shape[1] > 0 && shape[2] > 0 {
        return Ok(());
    }
    let reason = "there is no pixel".to_owned();
    Err(DataError::Transform { transform, shape, reason })
}

impl Transform for Resize {
    fn output_shape(&self, input: [usize; 3]) -> Result<[usize; 3], DataError> {
        not_empty("Resize", input)?;
        let [channels, height, width] = input;
        let [height, width] = match self.0 {
            Size::Exactly(height, width) => [height, width],
            Size::Shorter(side) => {
                let longer = |long: usize, short: usize| {
                    let long = (side as u128 * long as u128) / short as u128;
                    usize::try_from(long).unwrap_or(usize::MAX).max(1)
                };
                if height <= width { [side, longer(width, height)] } else { [longer(height, width), side] }
            }
        };
        if height.max(width) > LONGEST {
            let reason = format!("it would become {height}×{width}, over {LONGEST} pixels; crop it first");
            return Err(DataError::Transform { transform: "Resize", shape: input, reason });
        }
        Ok([channels, height, width])
    }

    fn apply(&self, image: &mut Image, _: &mut SampleRng) -> Result<(), DataError> {
        image.check("Resize")?;
        let [_, height, width] = self.output_shape(image.shape)?;
        resize(image, [height, width]);
        Ok(())
    }
}

/// The middle of an image, as torchvision's `CenterCrop`: what is smaller gets zeros around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CenterCrop {
    height: usize,
    width: usize,
}

impl CenterCrop {
    /// A window of `height`×`width`.
    ///
    /// # Errors
    /// [`DataError::InvalidOption`] for a side of 0 or over 65,536.
    pub fn new(height: usize, width: usize) -> Result<Self, DataError> {
        sides_fit("CenterCrop", [height, width])?;
        Ok(Self { height, width })
    }
}

/// Where a window of `wanted` begins in `length`. torchvision pads what is too short, less on the near side, and rounds a
/// half to even where it cuts.
fn middle(length: usize, wanted: usize) -> isize {
    if length < wanted {
        return -(((wanted - length) / 2) as isize);
    }
    let over = length - wanted;
    let half = over / 2;
    (half + usize::from(over % 2 == 1 && half % 2 == 1)) as isize
}

impl Transform for CenterCrop {
    fn output_shape(&self, input: [usize; 3]) -> Result<[usize; 3], DataError> {
        Ok([input[0], self.height, self.width])
    }

    fn apply(&self, image: &mut Image, _: &mut SampleRng) -> Result<(), DataError> {
        image.check("CenterCrop")?;
        let Self { height, width } = *self;
        let [_, from_height, from_width] = image.shape;
        let (top, left) = (middle(from_height, height), middle(from_width, width));
        Window { top, left, height, width }.cut(image, 0.0);
        Ok(())
    }
}
