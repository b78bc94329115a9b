//! SSD's random crops.

use tilewright_data::SampleRng;

use super::{
    sample::{Sample, Step},
    window::Window,
};
use crate::{
    boxes::{BBox, iou},
    error::DetectError,
};

/// Draws for one overlap, and draws of another overlap, before the picture is left whole.
const TRIES: usize = 40;
const ROUNDS: usize = 25;

/// Overlaps that are wanted, as in the paper; 0 is a patch from anywhere.
const OVERLAPS: [f64; 6] = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9];

/// Cuts out a patch that overlaps an object by enough (Liu et al., arXiv 1512.02325, section 2.2).
///
/// One of seven: the whole picture, or a patch that an object overlaps (IoU) by at least 0, .1, .3, .5, .7 or .9, drawn anew for
/// each try. A patch has 0.3 to 1 of each side, and sides of at most 1 to 2. Objects whose centre is in the patch stay, clipped.
/// Without an object the picture is left as it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MinIouCrop {
    smallest: f64,
}

impl Default for MinIouCrop {
    fn default() -> Self {
        Self { smallest: 0.3 }
    }
}

impl MinIouCrop {
    /// With 0.3 of each side as the smallest patch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With patches from `smallest` of each side.
    ///
    /// # Errors
    /// [`DetectError::Unfit`] when it is not above 0 and up to 1.
    pub fn smallest(self, smallest: f64) -> Result<Self, DetectError> {
        if smallest > 0.0 && smallest <= 1.0 {
            return Ok(Self { smallest });
        }
        Err(DetectError::unfit(
            "MinIouCrop",
            format!("the smallest part {smallest} is not above 0 and up to 1"),
        ))
    }

    fn patch(&self, [height, width]: [usize; 2], rng: &mut SampleRng) -> Option<Window> {
        let mut side = |length: usize| {
            let part = self.smallest + (1.0 - self.smallest) * rng.unit();
            ((length as f64 * part) as usize).clamp(1, length)
        };
        let (high, wide) = (side(height), side(width));
        if high > 2 * wide || wide > 2 * high {
            return None;
        }
        let top = rng.below((height - high + 1) as u64) as isize;
        let left = rng.below((width - wide + 1) as u64) as isize;
        Some(Window { top, left, height: high, width: wide })
    }
}

impl Step for MinIouCrop {
    fn apply(&self, sample: &mut Sample, rng: &mut SampleRng) -> Result<(), DetectError> {
        sample.check()?;
        let size = sample.size();
        if size.contains(&0) || sample.objects.is_empty() {
            return Ok(());
        }
        for _ in 0..ROUNDS {
            let choice = rng.below(OVERLAPS.len() as u64 + 1) as usize;
            let Some(&wanted) = OVERLAPS.get(choice) else { return Ok(()) };
            for _ in 0..TRIES {
                let Some(window) = self.patch(size, rng) else { continue };
                let place = BBox::new(
                    window.left as f64,
                    window.top as f64,
                    window.width as f64,
                    window.height as f64,
                );
                let [left, top, right, bottom] = place.edges();
                let inside = |bbox: &BBox| {
                    let (x, y) = (bbox.x + bbox.width / 2.0, bbox.y + bbox.height / 2.0);
                    left < x && x < right && top < y && y < bottom
                };
                let mut stay = sample.objects.iter().filter(|object| inside(&object.bbox));
                if stay.any(|object| iou(&object.bbox, &place) >= wanted) {
                    sample.objects.retain(|object| inside(&object.bbox));
                    return window.cut(sample, 0.0);
                }
            }
        }
        Ok(())
    }
}
