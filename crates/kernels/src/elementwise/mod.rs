//! Elementwise kernels: unary with derivative, binary with broadcasting, where, fill, cast.

mod binary;
mod binary_rows;
pub(crate) mod cast;
mod cast_bytes;
pub(crate) mod fill;
pub(crate) mod integers;
pub(crate) mod unary;
mod where_;

pub use binary::{binary, binary_backward, binary_broadcast};
pub use cast::cast;
pub use fill::fill;
pub use unary::{unary, unary_backward};
pub use where_::where_;

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    [
        unary::LAYOUTS,
        binary::LAYOUTS,
        binary_rows::LAYOUTS,
        fill::LAYOUTS,
        cast::LAYOUTS,
        cast_bytes::LAYOUTS,
        where_::LAYOUTS,
    ]
    .concat()
}
