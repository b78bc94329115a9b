//! The description of a network.

mod keys;
mod kinds;
mod layers;
mod network;
mod settings;
mod text;

pub use kinds::{
    Activation, Connected, Convolutional, Kind, Layer, MaxPool, Route, Settings, Shortcut, Upsample, Yolo,
};
pub use network::Network;
