//! A picture with its objects on the way into a batch.

use tilewright_data::{Image, SampleRng};

use crate::{
    annotations::{Mask, Object},
    error::DetectError,
    masks::Rle,
};

/// An image with the objects in it. Their masks are runs over the image, and what moves pixels moves boxes and masks with them.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The image, C×H×W.
    pub image: Image,
    /// The objects, boxes in pixels of the image.
    pub objects: Vec<Object>,
}

impl Sample {
    /// An image with its objects; polygons are drawn once, here.
    ///
    /// # Errors
    /// [`DetectError::Unfit`] for an image whose pixels are not its shape's, and for a box that is none; [`DetectError::Mask`] for
    /// a mask of another size.
    pub fn new(image: Image, mut objects: Vec<Object>) -> Result<Self, DetectError> {
        let [_, height, width] = image.shape;
        for (at, object) in objects.iter_mut().enumerate() {
            if let Some(mask) = &object.mask {
                let runs = mask.to_runs(height, width).map_err(DetectError::mask(format!("object {at}")))?;
                object.mask = Some(Mask::Runs(runs));
            }
        }
        let sample = Self { image, objects };
        sample.check()?;
        Ok(sample)
    }

    /// All fields are public, so every step asks first whether they agree.
    pub(super) fn check(&self) -> Result<(), DetectError> {
        let Image { shape: [channels, height, width], pixels, mask } = &self.image;
        let plane = height.checked_mul(*width);
        let wanted = plane.and_then(|plane| plane.checked_mul(*channels));
        if wanted != Some(pixels.len()) || mask.as_ref().is_some_and(|mask| Some(mask.len()) != plane) {
            let reason = format!("its pixels, or those of its mask, are not {channels}×{height}×{width}");
            return Err(DetectError::unfit("the image of a sample", reason));
        }
        match self.objects.iter().position(|object| !object.bbox.is_valid()) {
            Some(at) => {
                let numbers = self.objects[at].bbox.to_array();
                let reason = format!("its box is {numbers:?}: numbers are wanted, no extent below 0");
                Err(DetectError::unfit(format!("object {at} of a sample"), reason))
            }
            None => Ok(()),
        }
    }

    /// Rows and columns.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        [self.image.shape[1], self.image.shape[2]]
    }
}

/// The most numbers of an image that a step makes.
const MOST: usize = 1 << 30;

/// Whether a step may make an image of that shape.
pub(super) fn fits(step: &str, [channels, height, width]: [usize; 3]) -> Result<(), DetectError> {
    let plane = height.checked_mul(width);
    match plane.and_then(|plane| plane.checked_mul(channels.max(1))).filter(|&count| count <= MOST) {
        Some(_) => Ok(()),
        None => {
            let reason =
                format!("an image of {channels}×{height}×{width} is over {MOST} numbers; make it smaller");
            Err(DetectError::unfit(step, reason))
        }
    }
}

/// The object's pixels over an image of that size, row by row.
pub(super) fn pixels(object: &Object, [height, width]: [usize; 2]) -> Result<Option<Vec<u8>>, DetectError> {
    let runs = object.mask.as_ref().map(|mask| mask.to_runs(height, width)).transpose();
    Ok(runs.map_err(DetectError::mask("an object of a sample"))?.map(|runs| runs.decode()))
}

/// Gives the object its pixels back, over an image of that size, and says how many are inside.
pub(super) fn set_pixels(
    object: &mut Object,
    [height, width]: [usize; 2],
    pixels: &[u8],
) -> Result<u64, DetectError> {
    let runs = Rle::encode(height, width, pixels).map_err(DetectError::mask("an object of a sample"))?;
    let inside = runs.area();
    object.area = inside as f64;
    object.mask = Some(Mask::Runs(runs));
    Ok(inside)
}

/// A step from sample to sample. All chance comes from the generator, so that the result depends on (seed, epoch, sample) alone.
pub trait Step: Send + Sync {
    /// Changes the sample.
    ///
    /// # Errors
    /// [`DetectError`] where the step cannot work on such a sample.
    fn apply(&self, sample: &mut Sample, rng: &mut SampleRng) -> Result<(), DetectError>;
}

/// Several steps, one after the other.
#[derive(Default)]
pub struct Steps(Vec<Box<dyn Step>>);

impl Steps {
    /// No step.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step at the end.
    #[must_use]
    pub fn then(mut self, step: impl Step + 'static) -> Self {
        self.0.push(Box::new(step));
        self
    }
}

impl Step for Steps {
    fn apply(&self, sample: &mut Sample, rng: &mut SampleRng) -> Result<(), DetectError> {
        self.0.iter().try_for_each(|step| step.apply(sample, rng))
    }
}
