//! Optimizer steps. They are the one exception to the rule that an operation never writes to an operand: a step writes
//! the new values into the memory of the parameter and of its state, so that every clone of these tensors, and every
//! reshaped one, sees them.

mod adam;
mod adamw;
mod average;
mod lamb;
mod norm;
mod operands;
mod rmsprop;
mod sgd;

pub use adam::{AdamState, adam_step};
pub use adamw::adamw_step;
pub use average::average_step;
pub use lamb::lamb_step;
pub use norm::total_norm;
pub use rmsprop::{RmsPropState, rmsprop_step};
pub use sgd::sgd_step;
