//! Optimizer steps: the only kernels that write to an operand.

mod adamw;
mod sgd;

pub use adamw::adamw;
pub use sgd::{sgd, sgd_momentum};

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    [sgd::LAYOUTS, adamw::LAYOUTS].concat()
}
