//! Steps, one after the other.

use super::step::{Image, Transform};
use crate::{DataError, SampleRng};

/// Several steps, one after the other; without any, the image is left as it is.
#[derive(Default)]
pub struct Compose(Vec<Box<dyn Transform>>);

impl Compose {
    /// No step.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step at the end.
    #[must_use]
    pub fn then(mut self, step: impl Transform + 'static) -> Self {
        self.0.push(Box::new(step));
        self
    }
}

impl Transform for Compose {
    fn output_shape(&self, input: [usize; 3]) -> Result<[usize; 3], DataError> {
        self.0.iter().try_fold(input, |shape, step| step.output_shape(shape))
    }

    fn apply(&self, image: &mut Image, rng: &mut SampleRng) -> Result<(), DataError> {
        self.0.iter().try_for_each(|step| step.apply(image, rng))
    }
}
