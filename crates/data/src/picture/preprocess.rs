//! What a network wants of a picture: its size, and how its samples become numbers.

use super::{error::PictureError, filter::Filter, pixels::Picture};

/// torchvision's transforms for evaluation: `Resize`, `CenterCrop`, `ToTensor` and `Normalize`, of RGB or grey.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocess {
    /// Pixels of the shorter side after resizing; 0 leaves the size.
    pub resize: usize,
    /// Height and width of the middle that is cut out; 0 leaves all.
    pub crop: [usize; 2],
    /// How it is resized.
    pub filter: Filter,
    /// What is taken off each channel (0..1); one channel is grey, three are RGB.
    pub mean: Vec<f32>,
    /// What each channel is divided by then.
    pub std: Vec<f32>,
}

/// Means of ImageNet's channels.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Deviations of ImageNet's channels.
const STD: [f32; 3] = [0.229, 0.224, 0.225];

impl Preprocess {
    /// ImageNet's: `resize` pixels of the shorter side, the middle of `crop`×`crop`, normalised by ImageNet's channels.
    pub fn imagenet(resize: usize, crop: usize, filter: Filter) -> Self {
        Self { resize, crop: [crop; 2], filter, mean: MEAN.to_vec(), std: STD.to_vec() }
    }

    /// What the network `name` was trained with, for images of `image` (channels, height, width): the presets of
    /// torchvision's first weights (`IMAGENET1K_V1`), and timm's of networks that torchvision has not. Other networks get
    /// the size that they are made for, and ImageNet's channels if they have three.
    pub fn of(name: &str, image: [usize; 3]) -> Self {
        let [channels, height, width] = image;
        let plain = Self {
            resize: height.max(width),
            crop: [height, width],
            filter: Filter::Bilinear,
            mean: if channels == 3 { MEAN.to_vec() } else { vec![0.0; channels] },
            std: if channels == 3 { STD.to_vec() } else { vec![1.0; channels] },
        };
        if image != [3, 224, 224] {
            return plain;
        }
        match name {
            // Its weights come from TensorFlow; torchvision's network turns ImageNet's normalisation into this one.
            "googlenet" => {
                Self { mean: vec![0.5; 3], std: vec![0.5; 3], ..Self::imagenet(256, 224, Filter::Bilinear) }
            }
            "efficientnet_b0" | "seresnet50" | "ecaresnet50" | "cbam_resnet50" => {
                Self::imagenet(256, 224, Filter::Bicubic)
            }
            "convnext_tiny" => Self::imagenet(236, 224, Filter::Bilinear),
            _ => Self::imagenet(256, 224, Filter::Bilinear),
        }
    }

    /// The picture as it is cut out, before its samples become numbers.
    ///
    /// # Errors
    /// [`super::PictureFault::TooLarge`] for a picture so narrow that its longer side would go beyond 131,072 pixels.
    pub fn window(&self, picture: Picture) -> Result<Picture, PictureError> {
        let mut picture = if self.mean.len() == 1 { picture.to_grey8() } else { picture.to_rgb8() };
        if self.resize > 0 {
            let (width, height) = picture.size_by_shorter(self.resize);
            picture = picture.resize(width, height, self.filter)?;
        }
        let [height, width] = self.crop;
        if height > 0 && width > 0 {
            picture = picture.center_crop(width, height)?;
        }
        Ok(picture)
    }

    /// The picture as C×H×W numbers, and its shape: of [`Self::window`] sample / 255, less the mean, through the deviation,
    /// each rounded as PyTorch rounds it.
    ///
    /// # Errors
    /// Those of [`Self::window`].
    pub fn apply(&self, picture: Picture) -> Result<(Vec<f32>, [usize; 3]), PictureError> {
        let window = self.window(picture)?;
        let (width, height, channels) = (window.width(), window.height(), window.channels());
        let samples = window.as_u8().unwrap_or_default();
        let mut values = Vec::with_capacity(samples.len());
        for channel in 0..channels {
            let mean = self.mean.get(channel).copied().unwrap_or(0.0);
            let std = self.std.get(channel).copied().unwrap_or(1.0);
            // A sample has 256 values.
            let table: Vec<f32> =
                (0..=u8::MAX).map(|sample| (f32::from(sample) / 255.0 - mean) / std).collect();
            values.extend(
                samples.iter().skip(channel).step_by(channels).map(|&sample| table[usize::from(sample)]),
            );
        }
        Ok((values, [channels, height, width]))
    }
}
