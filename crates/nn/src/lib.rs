//! Modules, initialisation, optimizers, schedules, state dicts and checkpoints.
//!
//! Parameters live in an ordered [`ParameterStore`] under torchvision's paths (`layer1.0.conv1.weight`), so that a
//! state dict that PyTorch wrote loads without a remap. A [`Module`] holds its parameters and computes; a [`Pass`] says
//! whether it trains.

mod checkpoint;
mod error;
pub mod init;
pub mod layers;
mod module;
pub mod optim;
mod pass;
mod state_dict;
mod store;

pub use checkpoint::{Checkpoint, TrainingState};
pub use error::Error;
pub use module::{Module, Sequential};
pub use pass::Pass;
pub use state_dict::{HostTensor, LoadReport, Misshaped, StateDict};
pub use store::{Entry, Parameter, ParameterStore, Scope};

/// What every fallible call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;
