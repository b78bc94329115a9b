//! Weights that other libraries wrote, as tensors by name.
//!
//! PyTorch's files (`.pt`, `.pth`, of both forms) are pickles, and a pickle is a program. Here a small machine reads it as
//! data: [`WeightFile`] finds the state dict, and **nothing in the file is run**. NumPy's `.npz` and `.npy` are read too, and
//! Keras' HDF5 files. Safetensors files go through `tilewright_nn`.
//!
//! The crate stands above `tilewright_nn`, for it gives a network its values as a [`StateSource`], and below the program. So
//! neither modules nor compiled inference depend on archives, pickles or downloads: a program that ships safetensors files has
//! none of it.
//!
//! [`StateSource`]: tilewright_nn::StateSource

mod archive;
mod array;
mod convert;
mod element;
mod error;
#[cfg(feature = "fetch")]
pub mod fetch;
mod hash;
mod hdf5;
mod input;
mod keras;
mod kind;
pub mod manifest;
mod names;
mod numpy;
mod open;
mod pickle;
mod safetensors;
mod torch;

pub use array::Array;
pub use convert::{Converted, Options, Row, convert};
pub use element::Element;
pub use error::{Error, Fault, Result};
pub use hash::{sha256, sha256_of};
pub use kind::Kind;
pub use names::Renames;
pub use open::{Layout, WeightFile, source};
