//! Kernels that only move elements.

mod runs;
mod strided_copy;
mod transpose;

pub use strided_copy::strided_copy;

pub(crate) fn params() -> Vec<crate::ParamsLayout> {
    [strided_copy::LAYOUTS, transpose::LAYOUTS].concat()
}
