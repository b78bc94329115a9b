//! A picture of any size in one of a fixed size, as Darknet puts it there.

use super::{error::PictureError, pixels::Picture};

/// Where a picture lies in one of another size: as large as it can be with its sides in proportion, in the middle, grey around it.
///
/// Darknet's `letterbox_image`: sides and borders are rounded down, a new pixel lies between four old ones with the corners' centres
/// in one place, and the border is one half. (Its later versions stretch the picture unless `letter_box` is set; OpenCV's
/// `blobFromImage` stretches.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letterbox {
    from: [usize; 2],
    inner: [usize; 2],
    offset: [usize; 2],
    size: [usize; 2],
}

impl Letterbox {
    /// A picture of `from` in one of `size`, both width and height, at least 1.
    pub fn new(from: [usize; 2], size: [usize; 2]) -> Self {
        let from = from.map(|side| side.max(1));
        let part = |a: usize, b: usize, c: usize| ((a as u128 * b as u128 / c as u128) as usize).max(1);
        let wide = (size[0] as u128 * from[1] as u128) < size[1] as u128 * from[0] as u128;
        let inner = if wide {
            [size[0], part(from[1], size[0], from[0])]
        } else {
            [part(from[0], size[1], from[1]), size[1]]
        };
        let offset = [0, 1].map(|axis| (size[axis].saturating_sub(inner[axis])) / 2);
        Self { from, inner, offset, size }
    }

    /// The picture's numbers from 0 to 1 in its place: red, green, blue, each row by row.
    ///
    /// # Errors
    /// A [`PictureError`] if the picture has another size.
    pub fn planes(&self, picture: Picture) -> Result<Vec<f32>, PictureError> {
        let [from_width, from_height] = self.from;
        let picture = picture.to_rgb8();
        let (width, height) = (picture.width(), picture.height());
        let samples = match picture.as_u8() {
            Some(samples) if [width, height] == self.from => samples,
            _ => &[],
        };
        // One row of samples for each row of the old picture, of all three colours.
        let picture = Picture::from_u8(from_width, from_height, 3, samples.to_vec())?;
        let samples = picture.as_u8().unwrap_or_default();
        let [inner_width, inner_height] = self.inner;
        let (across, down) = (places(from_width, inner_width), places(from_height, inner_height));
        let [size_width, size_height] = self.size;
        let mut planes = vec![0.5f32; 3 * size_width * size_height];
        for (channel, plane) in planes.chunks_exact_mut((size_width * size_height).max(1)).enumerate() {
            let sample = |x: usize, y: usize| f32::from(samples[3 * (y * from_width + x) + channel]) / 255.0;
            let between = |y: usize, &(x, share): &(usize, f32)| {
                let next = (x + 1).min(from_width - 1);
                (1.0 - share) * sample(x, y) + share * sample(next, y)
            };
            for (row, &(y, share)) in down.iter().enumerate() {
                let start = (self.offset[1] + row) * size_width + self.offset[0];
                let next = (y + 1).min(from_height - 1);
                for (place, column) in plane[start..].iter_mut().zip(&across) {
                    *place = (1.0 - share) * between(y, column) + share * between(next, column);
                }
            }
        }
        Ok(planes)
    }

    /// Left, top, right and bottom in the large picture's pixels as those of the picture that lies in it.
    pub fn back(&self, bounds: [f32; 4]) -> [f32; 4] {
        let axis = |value: f32, axis: usize| {
            (value - self.offset[axis] as f32) * self.from[axis] as f32 / self.inner[axis] as f32
        };
        let [left, top, right, bottom] = bounds;
        [axis(left, 0), axis(top, 1), axis(right, 0), axis(bottom, 1)]
    }
}

/// For each new pixel the old one before it, and the share of the next.
fn places(from: usize, to: usize) -> Vec<(usize, f32)> {
    let last = from - 1;
    let step = if to > 1 { last as f32 / (to - 1) as f32 } else { 0.0 };
    let place = |at: usize| {
        // The last pixel is the last one, whatever rounding says.
        if at + 1 == to {
            return (last, 0.0);
        }
        let exact = at as f32 * step;
        let before = (exact as usize).min(last);
        (before, exact - before as f32)
    };
    (0..to).map(place).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn places_are_darknets() {
        let wide = Letterbox::new([768, 576], [416, 416]);
        assert_eq!((wide.inner, wide.offset), ([416, 312], [0, 52]));
        assert_eq!(wide.back([0.0, 52.0, 416.0, 364.0]), [0.0, 0.0, 768.0, 576.0]);
        let high = Letterbox::new([100, 333], [64, 96]);
        assert_eq!((high.inner, high.offset), ([28, 96], [18, 0]));
        let thin = Letterbox::new([1, 1000], [32, 32]);
        assert_eq!((thin.inner, thin.offset), ([1, 32], [15, 0]));
    }

    #[test]
    fn corners_stay_and_the_border_is_grey() {
        let picture = Picture::from_u8(2, 1, 3, vec![0, 0, 255, 255, 0, 255]).unwrap();
        let planes = Letterbox::new([2, 1], [4, 4]).planes(picture).unwrap();
        let red: Vec<f32> = planes[..16].to_vec();
        assert_eq!(red[..4], [0.5; 4]);
        // The middle row of 4 × 2: from 0 to 1 in three steps.
        for (found, expected) in red[4..8].iter().zip([0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0]) {
            assert!((found - expected).abs() < 1e-6, "{red:?}");
        }
        assert_eq!(red[12..], [0.5; 4]);
        assert_eq!(planes[36..44], [1.0; 8]);
        let other = Picture::from_u8(1, 1, 3, vec![0; 3]).unwrap();
        assert!(Letterbox::new([2, 1], [4, 4]).planes(other).is_err());
    }
}
