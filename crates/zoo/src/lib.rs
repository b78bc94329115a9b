//! Networks with torchvision's names of layers, so that a state dict loads without a remap.
//!
//! [`build`] makes a network by its name; [`entries`] is the table of all of them. Each is also a type of its own with a
//! struct that configures it, such as [`ResNet`] and [`ResNetConfig`].

mod blocks;
mod classification;
mod detection;
mod facts;
mod page;
mod registry;
mod segmentation;

pub use blocks::{Attention, Shortcut};
pub use classification::*;
pub use detection::*;
pub use facts::{Facts, facts};
pub use page::markdown;
pub use registry::{Entry, Error, Network, Options, Task, build, entries, entry, names, options_of};
pub use segmentation::*;
