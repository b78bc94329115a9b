//! Optimizer steps and running means of weights: the only kernels that write to an operand.

mod adam;
mod adamw;
mod ema;
mod lamb;
mod moments;
mod rmsprop;
mod sgd;
mod sum_squares;

pub use adam::adam;
pub use adamw::adamw;
pub use ema::ema;
pub use lamb::{lamb_apply, lamb_direction};
pub use rmsprop::rmsprop;
pub use sgd::{sgd, sgd_momentum};
pub use sum_squares::{sum_squares, sum_squares_parts};

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    let of_adam = [adam::LAYOUTS, adamw::LAYOUTS, lamb::LAYOUTS].concat();
    [sgd::LAYOUTS, rmsprop::LAYOUTS, ema::LAYOUTS, sum_squares::LAYOUTS]
        .concat()
        .into_iter()
        .chain(of_adam)
        .collect()
}
