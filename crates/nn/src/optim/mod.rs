//! Optimizers, whose steps are kernels, and learning-rate schedules.

mod adam;
mod adamw;
mod grouped;
mod lamb;
mod on_the_way;
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
pub use on_the_way::step_on_the_way;
pub use optimizer::Optimizer;
pub use rmsprop::RmsProp;
pub use schedule::Schedule;
pub use sgd::Sgd;
