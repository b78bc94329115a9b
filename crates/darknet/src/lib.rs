//! Darknet's two files: the description of a network (`.cfg`) and its numbers (`.weights`).
//!
//! [`Network`] is a `.cfg` that was read strictly: with every shape known, and a section, key or activation that is not
//! understood as an error with its line. [`Weights`] are the arrays of a `.weights` file in the order in which a network keeps
//! them. The crate knows no tensors and no devices; the zoo builds a module of a network.

mod cfg;
mod error;
mod weights;

pub use cfg::{
    Activation, Connected, Convolutional, Kind, Layer, MaxPool, Network, Route, Settings, Shortcut, Upsample,
    Yolo,
};
pub use error::{Error, Place, Result};
pub use weights::{Array, Extent, Header, Part, Weights, arrays};
