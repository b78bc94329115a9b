//! Reductions over any axes, argmax, running sums, softmax and its logarithm.

mod argmax;
mod cumsum;
pub(crate) mod lines;
pub(crate) mod plan;
pub(crate) mod reduce;
pub(crate) mod softmax;
mod softmax_lanes;

pub use argmax::argmax;
pub use cumsum::cumsum;
pub use lines::Lines;
pub use plan::{Axis, Plan};
pub use reduce::reduce;
pub use softmax::{log_sum_exp, softmax, softmax_backward};
pub use softmax_lanes::softmax_backward_lanes;

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    [reduce::LAYOUTS, argmax::LAYOUTS, cumsum::LAYOUTS, softmax::LAYOUTS, softmax_lanes::LAYOUTS].concat()
}
