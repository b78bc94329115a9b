//! From a network in f32 to one whose convolutions, products, sums and poolings compute with bytes.
//!
//! [`Calibration`] runs the network on samples and observes the range of its activations; [`Calibration::convert`] turns these
//! ranges into scales (affine, Jacob et al., arXiv 1712.05877), quantises weights symmetrically with one scale for each output
//! channel (Krishnamoorthi, arXiv 1806.08342), and writes the graph anew. What has no form in bytes stays in f32, with a step
//! to real numbers before it and one to bytes behind it, and the report says why.
//!
//! Before that channels may be made alike ([`Equalization`]) and the mean error of rounded weights measured and taken off the
//! biases ([`Scheme::correct_bias`]); [`Calibration::sensitivity`] tells which layers are better left in f32, and
//! [`Calibration::distributions`] what the numbers look like.

mod apply;
mod calibration;
mod convert;
mod correction;
mod decibels;
mod distribution;
mod entropy;
mod equalize;
mod forms;
mod histogram;
mod norms;
mod observer;
mod parameters;
mod plan;
mod prepare;
mod product;
mod report;
mod scale;
mod scheme;
mod sensitivity;
mod training;
mod weights;
mod writer;

pub use calibration::Calibration;
pub use distribution::{Distribution, Distributions};
pub use norms::Norm;
pub use observer::Observer;
pub use parameters::{Constant, Parameters, Product};
pub use report::{Layer, Layers};
pub use scale::{Activations, Scale};
pub use scheme::{Equalization, Scheme};
pub use sensitivity::Sensitivity;
pub use training::{Point, Training};
pub use weights::Weights;
