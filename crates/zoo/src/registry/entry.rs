//! A row of the table of networks.

use tilewright_nn::{Module, Result, Scope};

use super::options::Options;

/// What a network answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// One row of logits for each image: N × classes.
    Classification,
    /// A map of logits for each image: N × classes × H × W.
    Segmentation,
    /// Boxes with scores for each image: N × boxes × 4 and N × boxes × classes, and the maps that they are read from.
    Detection,
}

impl Task {
    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Classification => "classification",
            Self::Segmentation => "segmentation",
            Self::Detection => "detection",
        }
    }
}

/// A network of the zoo.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name: torchvision's; timm's where torchvision has none.
    pub name: &'static str,
    /// The paper or kind that it belongs to.
    pub family: &'static str,
    /// What it answers.
    pub task: Task,
    /// Channels, height and width of the images that it was made for.
    pub image: [usize; 3],
    /// The least height and width of an image.
    pub least: usize,
    /// The path of a parameter whose first extent is the number of classes; of a detector's three anchors, three times that and 5.
    pub head: &'static str,
    /// How it is configured in Rust.
    pub config: &'static str,
    pub(super) make: Make,
}

/// Makes a network in a scope.
pub(super) type Make = fn(&Scope, &Options) -> Result<Box<dyn Module>>;

impl Entry {
    /// A network that classifies photographs of `size` × `size` pixels, of at least 32 × 32.
    pub(super) const fn classifier(
        name: &'static str,
        family: &'static str,
        size: usize,
        head: &'static str,
        config: &'static str,
        make: Make,
    ) -> Self {
        let (task, image) = (Task::Classification, [3, size, size]);
        Self { name, family, task, image, least: 32, head, config, make }
    }

    /// A network that segments photographs of `size` × `size` pixels, of at least 1 × 1.
    pub(super) const fn segmenter(
        name: &'static str,
        family: &'static str,
        size: usize,
        head: &'static str,
        config: &'static str,
        make: Make,
    ) -> Self {
        let (task, image) = (Task::Segmentation, [3, size, size]);
        Self { name, family, task, image, least: 1, head, config, make }
    }

    /// A network that finds boxes in photographs of `size` × `size` pixels, of at least 32 × 32.
    pub(super) const fn detector(
        name: &'static str,
        family: &'static str,
        size: usize,
        head: &'static str,
        config: &'static str,
        make: Make,
    ) -> Self {
        let (task, image) = (Task::Detection, [3, size, size]);
        Self { name, family, task, image, least: 32, head, config, make }
    }

    /// With another least height and width.
    pub(super) const fn least(mut self, least: usize) -> Self {
        self.least = least;
        self
    }
}

/// A network as the table holds it.
pub(super) fn boxed<M: Module + 'static>(module: Result<M>) -> Result<Box<dyn Module>> {
    Ok(Box::new(module?))
}
