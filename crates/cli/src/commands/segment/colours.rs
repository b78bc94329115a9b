//! The pictures that a segmentation leaves: its classes as numbers, and as colours over the picture.

use tilewright_data::picture::{Picture, PictureError, Samples};

/// The names of Pascal VOC's classes, by which torchvision's weights are trained.
pub const VOC: [&str; 21] = [
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
];

/// Pascal VOC's colour of a class: the bits of its number, three at a time, from the highest bit of red, green and blue
/// down. Class 0 is black, and the first 256 are all different.
pub fn colour(class: usize) -> [u8; 3] {
    let mut colour = [0u8; 3];
    let mut rest = class;
    for bit in (0..8).rev() {
        for (channel, value) in colour.iter_mut().enumerate() {
            *value |= ((rest >> channel & 1) as u8) << bit;
        }
        rest >>= 3;
    }
    colour
}

/// A grey picture whose samples are the classes: of 8 bits, or 16 where there are more than 256.
pub fn mask(width: usize, height: usize, answers: &[i32], classes: usize) -> Result<Picture, PictureError> {
    let samples = if classes <= 256 {
        Samples::U8(answers.iter().map(|&class| class as u8).collect())
    } else {
        Samples::U16(answers.iter().map(|&class| class as u16).collect())
    };
    Picture::new(width, height, 1, samples)
}

/// The picture (RGB of 8 bits) with the colours of all classes but 0 over it, half and half.
pub fn overlay(picture: &Picture, answers: &[i32]) -> Result<Picture, PictureError> {
    let samples = picture.as_u8().unwrap_or_default();
    let mixed = samples.chunks_exact(3).zip(answers).flat_map(|(pixel, &class)| {
        let colour = colour(usize::try_from(class).unwrap_or_default());
        let mix = |channel: usize| {
            let (old, new) = (u16::from(pixel[channel]), u16::from(colour[channel]));
            if class > 0 { old.midpoint(new) as u8 } else { pixel[channel] }
        };
        [mix(0), mix(1), mix(2)]
    });
    Picture::from_u8(picture.width(), picture.height(), 3, mixed.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_pascals() {
        let known = [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128]];
        for (class, expected) in known.into_iter().enumerate() {
            assert_eq!(colour(class), expected);
        }
        assert_eq!((colour(15), colour(20), colour(255)), ([192, 128, 128], [0, 64, 128], [224, 224, 192]));
        let all: std::collections::HashSet<_> = (0..256).map(colour).collect();
        assert_eq!(all.len(), 256);
    }
}
