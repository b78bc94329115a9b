//! Counter-based random numbers.

mod philox;

pub use philox::{Distribution, dropout, random_fill};

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    philox::LAYOUTS.to_vec()
}
