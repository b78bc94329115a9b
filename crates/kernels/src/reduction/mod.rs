//! Reductions over any axes, argmax, softmax and its logarithm.

mod argmax;
mod plan;
mod reduce;
mod softmax;
mod softmax_lanes;

pub use argmax::argmax;
pub use plan::{Axis, Plan};
pub use reduce::reduce;
pub use softmax::{Lines, log_sum_exp, softmax, softmax_backward};
pub use softmax_lanes::softmax_backward_lanes;

pub(crate) fn params() -> Vec<crate::ParamsLayout> {
    [reduce::LAYOUTS, argmax::LAYOUTS, softmax::LAYOUTS, softmax_lanes::LAYOUTS].concat()
}
