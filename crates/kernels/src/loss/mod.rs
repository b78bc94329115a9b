//! Losses.

mod cross_entropy;

pub use cross_entropy::{Operands, cross_entropy, cross_entropy_backward};

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    cross_entropy::LAYOUTS.to_vec()
}
