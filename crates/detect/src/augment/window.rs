//! A window of a sample, and another size.

use tilewright_data::{IGNORED, Image, Resize, SampleRng, Size, Transform};

use super::sample::{Sample, fits, pixels, set_pixels};
use crate::{annotations::Object, boxes::BBox, error::DetectError};

/// A rectangle in an image, which may reach beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first row; negative above the image.
    pub top: isize,
    /// Its first column; negative left of the image.
    pub left: isize,
    /// Its rows.
    pub height: usize,
    /// Its columns.
    pub width: usize,
}

impl Window {
    /// The rows or columns of the window that come from the image, and where in the image they begin.
    fn shared(start: isize, length: usize, image: usize) -> (std::ops::Range<usize>, usize) {
        let first = start.unsigned_abs() * usize::from(start < 0);
        let from = start.unsigned_abs() * usize::from(start > 0);
        let count = length.saturating_sub(first).min(image.saturating_sub(from));
        (first.min(length)..first.min(length) + count, from)
    }

    /// What lies in it of a plane of `height`×`width`, with `fill` beyond.
    fn plane<T: Copy>(&self, plane: &[T], [height, width]: [usize; 2], fill: T) -> Vec<T> {
        let mut cut = vec![fill; self.height * self.width];
        let (rows, from) = Self::shared(self.top, self.height, height);
        let (columns, left) = Self::shared(self.left, self.width, width);
        for (row, source) in rows.zip(from..) {
            let source = &plane[source * width + left..][..columns.len()];
            cut[row * self.width..][columns.clone()].copy_from_slice(source);
        }
        cut
    }

    /// Cuts the window out of an image.
    pub(super) fn image(&self, image: &Image, fill: f32) -> Image {
        let [channels, height, width] = image.shape;
        let size = [height, width];
        let planes = (0..channels).map(|at| &image.pixels[at * height * width..][..height * width]);
        Image {
            shape: [channels, self.height, self.width],
            pixels: planes.flat_map(|plane| self.plane(plane, size, fill)).collect(),
            mask: image.mask.as_ref().map(|mask| self.plane(mask, size, IGNORED)),
        }
    }

    /// What is left in the window of an object of an image of that size; nothing if its box or its mask is empty there.
    pub(super) fn object(&self, object: &Object, size: [usize; 2]) -> Result<Option<Object>, DetectError> {
        let moved =
            BBox { x: object.bbox.x - self.left as f64, y: object.bbox.y - self.top as f64, ..object.bbox };
        let bbox = moved.clipped(self.width as f64, self.height as f64);
        if bbox.area() <= 0.0 {
            return Ok(None);
        }
        let mut kept = Object { bbox, truncated: object.truncated || bbox != moved, ..object.clone() };
        match pixels(object, size)? {
            Some(pixels) => {
                let cut = self.plane(&pixels, size, 0);
                if set_pixels(&mut kept, [self.height, self.width], &cut)? == 0 {
                    return Ok(None);
                }
            }
            None => kept.area *= bbox.area() / moved.area(),
        }
        Ok(Some(kept))
    }

    /// Cuts the window out of a sample: boxes are clipped, what has nothing in it is dropped.
    ///
    /// # Errors
    /// [`DetectError`] for a sample that does not agree with itself, and a window of over 2³⁰ numbers.
    pub fn cut(&self, sample: &mut Sample, fill: f32) -> Result<(), DetectError> {
        sample.check()?;
        fits("a window", [sample.image.shape[0], self.height, self.width])?;
        let size = sample.size();
        let mut kept = Vec::with_capacity(sample.objects.len());
        for object in &sample.objects {
            kept.extend(self.object(object, size)?);
        }
        sample.image = self.image(&sample.image, fill);
        sample.objects = kept;
        Ok(())
    }
}

/// Brings a sample to another size: the image by the triangle filter, masks by the nearest pixel, boxes by the same factors.
///
/// # Errors
/// [`DetectError::Data`] for a size of 0 or over 65,536, and [`DetectError`] for a sample that does not agree with itself.
pub fn resize(sample: &mut Sample, height: usize, width: usize) -> Result<(), DetectError> {
    sample.check()?;
    let size = sample.size();
    let step = Resize::new(Size::Exactly(height, width))?;
    fits("a resized image", [sample.image.shape[0], height, width])?;
    // Nothing is drawn.
    let mut rng = SampleRng::new(0, 0, 0);
    step.apply(&mut sample.image, &mut rng)?;
    let [down, across] = [height as f64 / size[0] as f64, width as f64 / size[1] as f64];
    let mut kept = Vec::with_capacity(sample.objects.len());
    for mut object in std::mem::take(&mut sample.objects) {
        if let Some(pixels) = pixels(&object, size)? {
            // An image without channels, whose mask takes the nearest pixel.
            let mask = pixels.into_iter().map(i32::from).collect();
            let mut image = Image { shape: [0, size[0], size[1]], pixels: Vec::new(), mask: Some(mask) };
            step.apply(&mut image, &mut rng)?;
            let pixels: Vec<u8> =
                image.mask.unwrap_or_default().into_iter().map(|inside| inside as u8).collect();
            if set_pixels(&mut object, [height, width], &pixels)? == 0 {
                continue;
            }
        } else {
            object.area *= down * across;
        }
        let BBox { x, y, width, height } = object.bbox;
        object.bbox = BBox::new(x * across, y * down, width * across, height * down);
        kept.push(object);
    }
    sample.objects = kept;
    Ok(())
}
