//! Optimizers, whose steps are kernels, and learning-rate schedules.

mod adamw;
mod grouped;
mod optimizer;
mod schedule;
mod sgd;
mod slots;

pub use adamw::AdamW;
pub use grouped::{GroupRule, Grouped, Grouping, ParameterGroup};
pub use optimizer::Optimizer;
pub use schedule::Schedule;
pub use sgd::Sgd;
