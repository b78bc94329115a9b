//! Image data for Tilewright: from files on disk to batches of `f32`, ready to be uploaded.
//!
//! ```text
//! IDX files ─→ ImageDataset ─→ Sampler (order) ─→ DataLoader (threads) ─→ Batch
//!                                                    └ Transform (augment, normalise)
//! ```
//!
//! Everything random here is a function of a seed, the epoch and the sample's index, never of time or of which thread
//! happened to do the work. The same seed therefore gives the same bits on one thread and on sixteen, and a run that
//! was stopped in the middle of an epoch goes on from [`DataLoader::epoch_from`] as if it had never stopped.
//!
//! This crate knows nothing of tensors or of the GPU: a [`Batch`] is plain vectors in N×C×H×W order.
//!
//! ```
//! use std::sync::Arc;
//! use tilewright_data::{Compose, DataLoader, InMemoryDataset, LoaderOptions, Normalize, RandomHorizontalFlip, Sampler};
//!
//! # fn main() -> Result<(), tilewright_data::DataError> {
//! let names = vec!["dark".to_string(), "bright".to_string()];
//! let dataset = InMemoryDataset::new([1, 2, 2], vec![0, 0, 0, 0, 255, 255, 255, 255], vec![0, 1], names)?;
//! let transform = Compose::new()
//!     .then(RandomHorizontalFlip::new(0.5)?)
//!     .then(Normalize::new(&[0.5], &[0.5])?);
//! let options = LoaderOptions { batch_size: 2, sampler: Sampler::Shuffled { seed: 7 }, ..LoaderOptions::default() };
//! let loader = DataLoader::new(Arc::new(dataset), Arc::new(transform), options)?;
//! for batch in loader.epoch(0)? {
//!     let batch = batch?;
//!     assert_eq!(batch.shape, [2, 1, 2, 2]);
//!     assert_eq!(batch.images.len(), 8);
//! }
//! # Ok(())
//! # }
//! ```

mod dataset;
mod error;
mod fashion_mnist;
pub mod idx;
mod loader;
pub mod picture;
mod random;
mod sampler;
mod transform;

pub use dataset::{
    ImageDataset, InMemoryDataset, MaskKind, PictureFiles, Subset, Unreadable, image_folder, label_file,
    mask_folder, per_class, stratified,
};
pub use error::DataError;
pub use fashion_mnist::{CLASS_NAMES as FASHION_MNIST_CLASS_NAMES, DATA_DIR_VARIABLE, FashionMnist, Split};
pub use loader::{Batch, Batches, DataLoader, LoaderOptions};
pub use random::SampleRng;
pub use sampler::Sampler;
pub use transform::{
    Adjustment, CenterCrop, ColorJitter, Compose, IGNORED, Image, Normalize, RandomCrop,
    RandomHorizontalFlip, RandomResizedCrop, Resize, Size, Transform,
};
