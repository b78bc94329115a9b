//! Labelled images, wherever they live.

mod csv_labels;
mod files;
mod folder;
mod images;
mod masks;
mod memory;
mod split;
mod subset;

pub use csv_labels::label_file;
pub use files::{MaskKind, PictureFiles, Unreadable};
pub use folder::image_folder;
pub use images::ImageDataset;
pub use masks::mask_folder;
pub use memory::InMemoryDataset;
pub use split::{per_class, stratified};
pub use subset::Subset;
