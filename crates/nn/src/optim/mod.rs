//! Optimizers, whose steps are kernels, and learning-rate schedules.

mod adamw;
mod on_the_way;
mod optimizer;
mod schedule;
mod sgd;
mod slots;

pub use adamw::AdamW;
pub use on_the_way::step_on_the_way;
pub use optimizer::Optimizer;
pub use schedule::Schedule;
pub use sgd::Sgd;
