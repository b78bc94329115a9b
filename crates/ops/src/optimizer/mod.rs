//! Optimizers, with PyTorch's semantics.

mod adam;
mod adamw;
mod check;
mod lamb;
mod rmsprop;
mod sgd;

pub use adam::Adam;
pub use adamw::AdamW;
pub use lamb::Lamb;
pub use rmsprop::RmsProp;
pub use sgd::Sgd;
