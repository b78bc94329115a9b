//! Images of a graphics application as tensors, and back: what the numbers are, and which shapes fit.

use crate::error::ShapeError;

/// The channels of colours, as the network has them. A texture's format says by itself where its red lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ChannelOrder {
    /// Red first, as torchvision's networks.
    #[default]
    Rgb,
    /// Blue first, as OpenCV's and Caffe's.
    Bgr,
}

/// Which values of an sRGB format (`Rgba8UnormSrgb`, …) a network gets. Other formats have one kind only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Transfer {
    /// What is stored, as in an image file: what networks are trained on. A byte b is b / 255.
    #[default]
    Stored,
    /// Linear light, as a graphics shader loads it.
    Linear,
}

/// What a network's input gets from a texture: channel c is (scale · texel − mean\[c\]) / std\[c\], where a texel of an
/// 8-bit format is between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextureInput {
    /// 1 for networks that are trained on 0 … 1, 255 for those on bytes.
    pub scale: f32,
    /// Of each channel, in the network's order.
    pub mean: [f32; 4],
    /// Of each channel, in the network's order.
    pub std: [f32; 4],
    /// The order of the network's channels.
    pub order: ChannelOrder,
    /// How texels of an sRGB format are read.
    pub transfer: Transfer,
    /// Whether a texture of another extent is resized, bilinearly as `torch.nn.functional.interpolate` does with
    /// `align_corners=False`; without antialiasing, so that an image much larger than the input had better be made
    /// smaller before. Otherwise it is an error.
    pub resize: bool,
}

impl Default for TextureInput {
    /// Texels as they are stored.
    fn default() -> Self {
        Self {
            scale: 1.0,
            mean: [0.0; 4],
            std: [1.0; 4],
            order: ChannelOrder::Rgb,
            transfer: Transfer::Stored,
            resize: false,
        }
    }
}

impl TextureInput {
    /// ImageNet's mean and deviation, on which torchvision's classifiers are trained.
    #[must_use]
    pub fn imagenet() -> Self {
        Self { mean: [0.485, 0.456, 0.406, 0.0], std: [0.229, 0.224, 0.225, 1.0], ..Self::default() }
    }

    /// Whether a texture of `[layers, height, width]` with so many components fills a tensor of N C H W.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`] if scale, mean or std are not finite or a std is 0, and for more channels than components;
    /// [`ShapeError::Operand`] if the extents differ and `resize` is not set.
    pub fn check(&self, texture: [usize; 3], components: usize, shape: [usize; 4]) -> Result<(), ShapeError> {
        let op = "from_texture";
        check_numbers(op, self.scale, &self.mean, &self.std)?;
        let std = self.std.iter().take(shape[1]).find(|std| **std == 0.0);
        if std.is_some() {
            let (value, hint) = (format!("{:?}", self.std), "it divides, so that it must not be 0");
            return Err(ShapeError::Parameter { op, parameter: "std", value, hint });
        }
        check_channels(op, components, shape[1])?;
        let [images, _, height, width] = shape;
        let fits = if self.resize { texture[0] == images } else { texture == [images, height, width] };
        if fits {
            return Ok(());
        }
        let (shape, expected) = (texture.to_vec(), vec![images, height, width]);
        let operand = "the texture (layers, height, width; `resize` takes other heights and widths)";
        Err(ShapeError::Operand { op, operand, shape, expected })
    }
}

/// What a texture gets from a network's output, the inverse of [`TextureInput`]: a texel is (channel · std\[c\] +
/// mean\[c\]) / scale. A unorm format clamps to 0 … 1 and rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextureOutput {
    /// 1 where the network gives 0 … 1, 255 where it gives bytes.
    pub scale: f32,
    /// Of each channel, in the network's order.
    pub mean: [f32; 4],
    /// Of each channel, in the network's order.
    pub std: [f32; 4],
    /// The order of the network's channels.
    pub order: ChannelOrder,
}

impl Default for TextureOutput {
    /// Numbers as they are.
    fn default() -> Self {
        Self { scale: 1.0, mean: [0.0; 4], std: [1.0; 4], order: ChannelOrder::Rgb }
    }
}

impl TextureOutput {
    /// Whether a tensor of N C H W fits a texture of `[layers, height, width]` with so many components.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`] if scale, mean or std are not finite or the scale is 0, and for more channels than
    /// components; [`ShapeError::Operand`] if the extents differ.
    pub fn check(&self, texture: [usize; 3], components: usize, shape: [usize; 4]) -> Result<(), ShapeError> {
        let op = "to_texture";
        check_numbers(op, self.scale, &self.mean, &self.std)?;
        if self.scale == 0.0 {
            let hint = "it divides, so that it must not be 0";
            return Err(ShapeError::Parameter { op, parameter: "scale", value: "0".to_owned(), hint });
        }
        check_channels(op, components, shape[1])?;
        let expected = [shape[0], shape[2], shape[3]];
        if texture == expected {
            return Ok(());
        }
        let operand = "the texture (layers, height, width)";
        Err(ShapeError::Operand { op, operand, shape: texture.to_vec(), expected: expected.to_vec() })
    }
}

fn check_numbers(op: &'static str, scale: f32, mean: &[f32; 4], std: &[f32; 4]) -> Result<(), ShapeError> {
    let all = [("scale", &[scale][..]), ("mean", mean), ("std", std)];
    for (parameter, values) in all {
        if values.iter().any(|value| !value.is_finite()) {
            let (value, hint) = (format!("{values:?}"), "it must be finite");
            return Err(ShapeError::Parameter { op, parameter, value, hint });
        }
    }
    Ok(())
}

fn check_channels(op: &'static str, components: usize, channels: usize) -> Result<(), ShapeError> {
    if (1..=components).contains(&channels) {
        return Ok(());
    }
    let value = format!("{channels} with a texture of {components} components");
    let hint = "a tensor has at least one channel and at most as many as the texture's format has components";
    Err(ShapeError::Parameter { op, parameter: "channels", value, hint })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused() {
        let op = TextureInput::imagenet();
        assert_eq!(op.check([1, 4, 5], 4, [1, 3, 4, 5]), Ok(()));
        assert_eq!(op.check([2, 4, 5], 1, [2, 1, 4, 5]), Ok(()));
        assert!(op.check([1, 4, 6], 4, [1, 3, 4, 5]).is_err());
        let resize = TextureInput { resize: true, ..op };
        assert_eq!(resize.check([1, 4, 6], 4, [1, 3, 4, 5]), Ok(()));
        assert!(resize.check([2, 4, 6], 4, [1, 3, 4, 5]).is_err());
        for (components, channels) in [(1, 3), (4, 5), (4, 0)] {
            assert!(op.check([1, 4, 5], components, [1, channels, 4, 5]).is_err());
        }
        assert!(TextureInput { std: [1.0, 0.0, 1.0, 1.0], ..op }.check([1, 4, 5], 4, [1, 3, 4, 5]).is_err());
        assert!(TextureInput { scale: f32::NAN, ..op }.check([1, 4, 5], 4, [1, 3, 4, 5]).is_err());
        let op = TextureOutput::default();
        assert_eq!(op.check([1, 4, 5], 4, [1, 3, 4, 5]), Ok(()));
        assert!(op.check([1, 5, 4], 4, [1, 3, 4, 5]).is_err());
        assert!(op.check([1, 4, 5], 1, [1, 3, 4, 5]).is_err());
        assert!(TextureOutput { scale: 0.0, ..op }.check([1, 4, 5], 4, [1, 3, 4, 5]).is_err());
    }
}
