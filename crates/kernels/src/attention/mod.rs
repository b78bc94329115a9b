//! Scaled dot-product attention in one kernel.

mod lanes;
mod problem;
mod run;
mod tiled;

pub use problem::{Buffers, Problem};
pub use run::{AttentionAlgorithm, attention, attention_as, choose};

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    [lanes::LAYOUTS, tiled::LAYOUTS].concat()
}
