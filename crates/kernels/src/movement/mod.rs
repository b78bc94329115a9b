//! Kernels that only move elements.

mod strided_copy;

pub use strided_copy::strided_copy;

pub(crate) fn params() -> Vec<crate::ParamsLayout> {
    strided_copy::LAYOUTS.to_vec()
}
