//! Steps of classification that change colours and move nothing.

use tilewright_data::{ColorJitter, Normalize, SampleRng, Transform};

use super::sample::{Sample, Step};
use crate::error::DetectError;

impl Step for ColorJitter {
    fn apply(&self, sample: &mut Sample, rng: &mut SampleRng) -> Result<(), DetectError> {
        Ok(Transform::apply(self, &mut sample.image, rng)?)
    }
}

impl Step for Normalize {
    fn apply(&self, sample: &mut Sample, rng: &mut SampleRng) -> Result<(), DetectError> {
        Ok(Transform::apply(self, &mut sample.image, rng)?)
    }
}
