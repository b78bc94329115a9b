//! What happens to an image between the dataset and the batch: augmentation, then normalisation.

mod compose;
mod normalize;
mod random_crop;
mod random_horizontal_flip;
mod step;

pub use compose::Compose;
pub use normalize::Normalize;
pub use random_crop::RandomCrop;
pub use random_horizontal_flip::RandomHorizontalFlip;
pub use step::{Image, Transform};
