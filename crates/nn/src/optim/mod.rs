//! Optimizers, whose steps are kernels; learning-rate schedules, gradient clipping and running means of weights.

mod adam;
mod adamw;
mod clip;
mod ema;
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
pub use clip::{Clip, clip_grad_norm, clip_grad_value};
pub use ema::{Averaging, Buffers, Ema, EmaOptions, Warmup};
pub use grouped::{GroupRule, Grouped, Grouping, ParameterGroup};
pub use lamb::Lamb;
pub use on_the_way::step_on_the_way;
pub use optimizer::Optimizer;
pub use rmsprop::RmsProp;
pub use schedule::{Aim, Anneal, OneCycle, Plateau, PlateauOptions, PlateauState, Schedule, Threshold};
pub use sgd::Sgd;
