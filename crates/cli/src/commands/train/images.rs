//! The images of a run, and what is done to them.

use std::sync::Arc;

use tilewright_data::{
    CenterCrop, ColorJitter, Compose, ImageDataset, Normalize, RandomCrop, RandomHorizontalFlip,
    RandomResizedCrop, Resize, Size,
};

use crate::error::Result;

/// The shorter side before the middle is cut out, as torchvision has it: 256 for 224.
const MARGIN: (usize, usize) = (8, 7);

/// What is known of each image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// Its class.
    Class,
    /// The classes that it is of.
    Classes,
    /// The class of each pixel.
    Mask,
}

impl Truth {
    /// As weights name it.
    pub const fn task(self) -> &'static str {
        match self {
            Self::Class => "classification",
            Self::Classes => "multi-label",
            Self::Mask => "segmentation",
        }
    }
}

/// The images of a run.
pub struct Data {
    /// To train on.
    pub train: Arc<dyn ImageDataset>,
    /// To judge by.
    pub test: Arc<dyn ImageDataset>,
    /// Channels, height and width that go into the network.
    pub image: [usize; 3],
    /// What is known of each.
    pub truth: Truth,
    /// The mean of each channel.
    pub mean: Vec<f32>,
    /// The standard deviation of each channel.
    pub std: Vec<f32>,
    /// Whether they are pictures of many sizes.
    pub pictures: bool,
}

impl Data {
    /// What brings an image to the network's size, without chance.
    pub fn view(&self) -> Result<Compose> {
        let [_, height, width] = self.image;
        if !self.pictures {
            return self.sized(Compose::new());
        }
        if self.truth == Truth::Mask {
            return Ok(Compose::new().then(Resize::new(Size::Exactly(height, width))?));
        }
        let margin = |side: usize| side * MARGIN.0 / MARGIN.1;
        if height != width {
            let larger = Resize::new(Size::Exactly(margin(height), margin(width)))?;
            return Ok(Compose::new().then(larger).then(CenterCrop::new(height, width)?));
        }
        let larger = Resize::new(Size::Shorter(margin(height)))?;
        Ok(Compose::new().then(larger).then(CenterCrop::new(height, width)?))
    }

    /// Images of one size that are wanted in another.
    fn sized(&self, steps: Compose) -> Result<Compose> {
        let [_, height, width] = self.image;
        if self.train.image_shape()[1..] == [height, width] {
            return Ok(steps);
        }
        Ok(steps.then(Resize::new(Size::Exactly(height, width))?))
    }

    /// What training does to an image.
    pub fn augmented(&self, augment: bool, jitter: Option<f32>) -> Result<Compose> {
        let [_, height, width] = self.image;
        let mut steps = match (augment, self.pictures) {
            (false, _) => self.view()?,
            (true, false) => self
                .sized(Compose::new())?
                .then(RandomHorizontalFlip::new(0.5)?)
                .then(RandomCrop::new(height, width, 2)?),
            (true, true) => {
                let crop = RandomResizedCrop::new(height, width)?;
                // A mask's objects are to stay in sight.
                let crop = if self.truth == Truth::Mask { crop.scale(0.5, 1.0)? } else { crop };
                Compose::new().then(crop).then(RandomHorizontalFlip::new(0.5)?)
            }
        };
        if let Some(jitter) = jitter {
            steps = steps.then(ColorJitter::new(jitter, jitter, jitter, (jitter / 4.0).min(0.5))?);
        }
        Ok(steps)
    }

    /// What brings pixels of 0 to 1 to what the network reads.
    pub fn normalize(&self) -> Result<Normalize> {
        Ok(Normalize::new(&self.mean, &self.std)?)
    }
}
