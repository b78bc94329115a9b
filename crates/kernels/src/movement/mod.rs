//! Kernels that move elements, or draw an axis anew from a few of its own.

mod gather;
mod repeat;
mod resample;
mod runs;
pub(crate) mod strided_copy;
mod transpose;

pub use gather::gather;
pub use resample::{Resample, resample};
pub use strided_copy::strided_copy;

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    [strided_copy::LAYOUTS, transpose::LAYOUTS, repeat::LAYOUTS, gather::LAYOUTS, resample::LAYOUTS].concat()
}
