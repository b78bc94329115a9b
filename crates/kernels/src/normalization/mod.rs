//! Batch normalisation kernels over a matrix `[pixels, C]` with the channels fastest, and the moments of lines.

mod backward;
mod call;
mod moments;
mod normalise;
mod rows;
mod standardize;
mod statistics;

pub use backward::{Grads, batch_norm_backward};
pub use call::{BatchNormLaunch, Deviation};
pub use moments::{MomentsOf, moments};
pub use normalise::batch_norm;
pub use standardize::standardize;
pub use statistics::{Running, Statistics, batch_norm_statistics};

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    [statistics::LAYOUTS, normalise::LAYOUTS, backward::LAYOUTS, moments::LAYOUTS, standardize::LAYOUTS]
        .concat()
}
