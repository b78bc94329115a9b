//! Layers, with PyTorch's names, options and defaults.

mod activation;
mod batch_norm2d;
mod conv2d;
mod conv_transpose2d;
mod dropout;
mod flatten;
mod group_norm;
mod layer_norm;
mod linear;
mod pooling;
mod squeeze_excitation;
mod upsample;

pub use activation::Activation;
pub use batch_norm2d::BatchNorm2d;
pub use conv_transpose2d::{ConvTranspose2d, ConvTranspose2dOptions};
pub use conv2d::{Conv2d, Conv2dOptions};
pub use dropout::{Dropout, Dropout2d, StochasticDepth};
pub use flatten::Flatten;
pub use group_norm::GroupNorm;
pub use layer_norm::{LayerNorm, LayerNorm2d};
pub use linear::Linear;
pub use pooling::{AdaptiveAvgPool2d, AvgPool2d, MaxPool2d};
pub use squeeze_excitation::SqueezeExcitation;
pub use upsample::{Upsample, UpsampleMode};
