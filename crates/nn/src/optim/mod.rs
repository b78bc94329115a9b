//! Optimizers, whose steps are kernels, and learning-rate schedules.

mod adam;
mod adamw;
mod grouped;
mod lamb;
mod optimizer;
mod rmsprop;
mod schedule;
mod sgd;
mod slots;
mod steps;

pub use adam::Adam;
pub use adamw::AdamW;
pub use grouped::{GroupRule, Grouped, Grouping, ParameterGroup};
pub use lamb::Lamb;
pub use optimizer::Optimizer;
pub use rmsprop::RmsProp;
pub use schedule::Schedule;
pub use sgd::Sgd;
