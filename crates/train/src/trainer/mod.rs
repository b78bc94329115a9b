//! The training loop.

mod epoch;
mod run;
mod update;

pub use run::Trainer;
