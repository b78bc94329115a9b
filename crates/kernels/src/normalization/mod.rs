//! Batch normalisation kernels over a matrix `[pixels, C]` with the channels fastest.

mod backward;
mod call;
mod normalise;
mod rows;
mod statistics;

pub use backward::{Grads, batch_norm_backward};
pub use call::{BatchNormLaunch, Deviation};
pub use normalise::batch_norm;
pub use statistics::{Running, Statistics, batch_norm_statistics};

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    [statistics::LAYOUTS, normalise::LAYOUTS, backward::LAYOUTS].concat()
}
