//! Training that sees the roundings of bytes, so that the network in bytes answers as well as it can.
//!
//! [`QuantizationAware`] is any captured network as a module: weights and activations are rounded where its integer graph will have
//! bytes, and gradients go straight through the roundings (Jacob et al., arXiv 1712.05877, §3).

mod aware;
mod options;
mod points;
mod products;
mod run;
mod scales;

pub use aware::QuantizationAware;
pub use options::{QuantizationOptions, Ranges};
