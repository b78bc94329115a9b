//! Random sizes.

use tilewright_data::SampleRng;

use super::{
    sample::{Sample, Step},
    window::{Window, resize},
};
use crate::error::DetectError;

/// The most that a picture grows.
const MOST: f64 = 16.0;

/// Large-scale jitter (Ghiasi et al., arXiv 2012.07177): the picture, its proportions kept, is brought to the largest size that
/// fits in `height`×`width`, times a random factor; then a random window of that size is cut out of what is larger, and what is
/// smaller gets `fill` below and on the right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScaleJitter {
    height: usize,
    width: usize,
    range: [f64; 2],
    fill: f32,
}

impl ScaleJitter {
    /// To `height`×`width`, with factors from `from` to `to`: the paper's are 0.1 and 2. Pads with 0.
    ///
    /// # Errors
    /// [`DetectError::Unfit`] for an empty window, and for factors that are not above 0, ascending and up to 16.
    pub fn new(height: usize, width: usize, [from, to]: [f64; 2]) -> Result<Self, DetectError> {
        if height == 0 || width == 0 || height.max(width) > 1 << 16 {
            let reason = format!("a window of {height}×{width}; sides are 1 to 65,536");
            return Err(DetectError::unfit("ScaleJitter", reason));
        }
        if !(from > 0.0 && from <= to && to <= MOST) {
            let reason = format!("factors from {from} to {to}; they are above 0, ascending and up to {MOST}");
            return Err(DetectError::unfit("ScaleJitter", reason));
        }
        Ok(Self { height, width, range: [from, to], fill: 0.0 })
    }

    /// Pads with `fill`.
    #[must_use]
    pub fn fill(self, fill: f32) -> Self {
        Self { fill, ..self }
    }
}

impl Step for ScaleJitter {
    fn apply(&self, sample: &mut Sample, rng: &mut SampleRng) -> Result<(), DetectError> {
        sample.check()?;
        let [from, to] = self.range;
        let drawn = [rng.unit(), rng.unit(), rng.unit()];
        let [height, width] = sample.size();
        let fits = (self.height as f64 / height as f64).min(self.width as f64 / width as f64);
        let factor = fits * (from + (to - from) * drawn[0]);
        let scaled = |length: usize| ((length as f64 * factor).round() as usize).max(1);
        resize(sample, scaled(height), scaled(width))?;
        let [height, width] = sample.size();
        let start = |length: usize, window: usize, unit: f64| {
            let places = length.saturating_sub(window) + 1;
            ((places as f64 * unit) as usize).min(places - 1) as isize
        };
        let (top, left) = (start(height, self.height, drawn[1]), start(width, self.width, drawn[2]));
        Window { top, left, height: self.height, width: self.width }.cut(sample, self.fill)
    }
}
