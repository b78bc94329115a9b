//! Elementwise kernels: unary with derivative, binary with broadcasting, fill, cast.

mod binary;
mod cast;
mod fill;
mod unary;

pub use binary::{binary, binary_backward, binary_broadcast, equal_broadcast};
pub use cast::cast;
pub use fill::fill;
pub use unary::{unary, unary_backward};

pub(crate) fn params() -> Vec<crate::ParamsLayout> {
    [unary::LAYOUTS, binary::LAYOUTS, fill::LAYOUTS, cast::LAYOUTS].concat()
}
