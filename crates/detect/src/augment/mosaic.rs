//! Four pictures in one.

use tilewright_data::{IGNORED, Image, SampleRng};

use super::{
    sample::{Sample, fits},
    window::Window,
};
use crate::error::DetectError;

/// Four pictures in one (Bochkovskiy et al., arXiv 2004.10934), of `height`×`width` pixels: they meet in a random point of the
/// middle half, each with the corner that looks there, and are clipped to their quarter; what they leave free is `fill`
/// (114/255, a grey, in the paper's program). Pictures keep their size: bring them to it before.
///
/// # Errors
/// [`DetectError::Unfit`] for pictures of several numbers of channels, or with and without a mask of classes, and for a picture
/// without a pixel or of over 2³⁰ numbers; [`DetectError`] for a sample that does not agree with itself.
pub fn mosaic(
    samples: &[Sample; 4],
    height: usize,
    width: usize,
    fill: f32,
    rng: &mut SampleRng,
) -> Result<Sample, DetectError> {
    samples.iter().try_for_each(Sample::check)?;
    if height == 0 || width == 0 {
        return Err(DetectError::unfit("mosaic", format!("a picture of {height}×{width} holds no pixel")));
    }
    fits("mosaic", [samples[0].image.shape[0], height, width])?;
    let kind = |sample: &Sample| (sample.image.shape[0], sample.image.mask.is_some());
    if samples.iter().any(|sample| kind(sample) != kind(&samples[0])) {
        let reason = "the four differ in their channels, or not all have a mask of classes";
        return Err(DetectError::unfit("mosaic", reason));
    }
    let mut middle = |length: usize| {
        let half = length / 2;
        length / 4 + rng.below(half as u64 + 1) as usize
    };
    let (y, x) = (middle(height), middle(width));
    let channels = samples[0].image.shape[0];
    let mut image = Image::new([channels, height, width], vec![fill; channels * height * width]);
    image.mask = samples[0].image.mask.as_ref().map(|_| vec![IGNORED; height * width]);
    let mut objects = Vec::new();
    for (at, sample) in samples.iter().enumerate() {
        let (below, right) = (at / 2 == 1, at % 2 == 1);
        let [rows, columns] = sample.size();
        let (high, wide) = (if below { height - y } else { y }, if right { width - x } else { x });
        let window = Window {
            top: if below { 0 } else { rows as isize - high as isize },
            left: if right { 0 } else { columns as isize - wide as isize },
            height: high,
            width: wide,
        };
        let (top, left) = (if below { y } else { 0 }, if right { x } else { 0 });
        let part = window.image(&sample.image, fill);
        for channel in 0..channels {
            copy(
                &part.pixels[channel * high * wide..],
                &mut image.pixels[channel * height * width..],
                [high, wide],
                [top, left, width],
            );
        }
        if let (Some(part), Some(mask)) = (&part.mask, &mut image.mask) {
            copy(part, mask, [high, wide], [top, left, width]);
        }
        let canvas = Window { top: -(top as isize), left: -(left as isize), height, width };
        for object in &sample.objects {
            if let Some(clipped) = window.object(object, sample.size())? {
                objects.extend(canvas.object(&clipped, [high, wide])?);
            }
        }
    }
    Ok(Sample { image, objects })
}

/// Copies a part of `high`×`wide` to its place in a plane of that width.
fn copy<T: Copy>(part: &[T], plane: &mut [T], [high, wide]: [usize; 2], [top, left, width]: [usize; 3]) {
    if wide == 0 {
        return;
    }
    for (row, line) in part.chunks_exact(wide).take(high).enumerate() {
        plane[(top + row) * width + left..][..wide].copy_from_slice(line);
    }
}
