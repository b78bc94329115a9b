//! Pooling kernels, channels-last: maximum, average and sum over windows, adaptive and global averages.
//!
//! Shapes are logical (N C H W); the buffers lie N H W C. A thread handles four channels where C is a multiple of four.

mod adaptive;
mod average;
mod max;
pub(crate) mod sum_rows;
mod walk;
mod window;

pub use adaptive::{adaptive_avg_pool2d, adaptive_avg_pool2d_backward};
pub use average::{avg_pool2d, avg_pool2d_backward};
pub use max::{max_pool2d, max_pool2d_backward};
pub use sum_rows::sum_rows;

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    [
        max::LAYOUTS,
        average::LAYOUTS,
        adaptive::LAYOUTS,
        sum_rows::LAYOUTS,
        walk::max::LAYOUTS,
        walk::average::LAYOUTS,
        walk::tiles::LAYOUTS,
    ]
    .concat()
}
