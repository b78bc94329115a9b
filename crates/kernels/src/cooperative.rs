//! Cooperative matrices: whether a device has them, and whether they are worth using.
//!
//! A feature bit says that a driver accepts them, not that their products are right or quick. So before
//! [`crate::select`] picks them they are tried once: a product of known result against the plain kernel's, timed beside
//! it. The outcome is noted for the adapter, the driver and the text of the kernels, beside the pipeline cache.

pub use crate::base::{
    matrices::{Emulation, Matrices},
    trials::{Trial, trials},
};
