//! The program `tilewright`: training, inference, gradients, and a look at kernels and devices.

pub mod commands;
mod convert;
mod error;
mod files;
mod interrupt;
mod mistaken;
mod model;
pub mod pictures;
mod suite;
mod trained;
mod vision;
mod workload;

pub use error::{Error, Result};
