//! What happens to an image between the dataset and the batch: augmentation, then normalisation.

mod color_jitter;
mod compose;
mod normalize;
mod random_crop;
mod random_horizontal_flip;
mod random_resized_crop;
mod resampling;
mod resize;
mod step;
mod window;

pub use color_jitter::{Adjustment, ColorJitter};
pub use compose::Compose;
pub use normalize::Normalize;
pub use random_crop::RandomCrop;
pub use random_horizontal_flip::RandomHorizontalFlip;
pub use random_resized_crop::RandomResizedCrop;
pub use resize::{CenterCrop, Resize, Size};
pub use step::{IGNORED, Image, Transform};
