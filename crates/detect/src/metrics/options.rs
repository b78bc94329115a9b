//! What is measured.

use crate::error::DetectError;

/// What two objects share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Measure {
    /// The area of their boxes.
    #[default]
    Boxes,
    /// Their pixels.
    Masks,
}

/// How COCO's figures are taken; the default is COCO's own.
#[derive(Clone, Debug, PartialEq)]
pub struct CocoOptions {
    /// Boxes or masks.
    pub measure: Measure,
    /// The most detections of a class in a picture, ascending. Average precision is of the last.
    pub max_detections: [usize; 3],
    /// From and to which area an object is any, small, medium or large, in pixels, both ends included: an object of 32² pixels
    /// is small and medium.
    pub areas: [[f64; 2]; 4],
}

impl Default for CocoOptions {
    fn default() -> Self {
        let (small, medium, all) = (1024.0, 9216.0, 1e10);
        Self {
            measure: Measure::Boxes,
            max_detections: [1, 10, 100],
            areas: [[0.0, all], [0.0, small], [small, medium], [medium, all]],
        }
    }
}

impl CocoOptions {
    /// COCO's own for masks.
    #[must_use]
    pub fn masks() -> Self {
        Self { measure: Measure::Masks, ..Self::default() }
    }

    pub(super) fn check(&self) -> Result<(), DetectError> {
        let [few, some, many] = self.max_detections;
        if few == 0 || few > some || some > many {
            let reason = format!("{:?}; three numbers from 1 are wanted, ascending", self.max_detections);
            return Err(DetectError::unfit("max_detections", reason));
        }
        if let Some(bad) = self.areas.iter().find(|[from, to]| from.is_nan() || to.is_nan() || from > to) {
            return Err(DetectError::unfit("areas", format!("{bad:?}; from must not be above to")));
        }
        Ok(())
    }
}
