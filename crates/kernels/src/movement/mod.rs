//! Kernels that move elements, or draw an axis anew from a few of its own.

mod gather;
mod gather_elements;
mod gather_nd;
mod repeat;
mod resample;
mod runs;
mod scatter;
mod scatter_elements;
pub(crate) mod strided_copy;
mod transpose;
mod tuples;
mod update;

pub use gather::gather;
pub use gather_elements::gather_elements;
pub use gather_nd::gather_nd;
pub use resample::{Resample, resample};
pub use scatter::scatter;
pub use scatter_elements::{ScatterAxis, scatter_elements};
pub use strided_copy::strided_copy;
pub use tuples::Tuples;

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    [
        strided_copy::LAYOUTS,
        transpose::LAYOUTS,
        repeat::LAYOUTS,
        gather::LAYOUTS,
        gather_elements::LAYOUTS,
        gather_nd::LAYOUTS,
        scatter::LAYOUTS,
        scatter_elements::LAYOUTS,
        resample::LAYOUTS,
    ]
    .concat()
}
