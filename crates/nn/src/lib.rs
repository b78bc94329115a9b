//! Modules, initialisation, optimizers, schedules, state dicts and checkpoints.
//!
//! Parameters live in an ordered [`ParameterStore`] under torchvision's paths (`layer1.0.conv1.weight`), so that a
//! state dict that PyTorch wrote loads without a remap. A [`Module`] holds its parameters and computes named outputs of
//! named inputs; a [`Layer`] is its form with one of each. A [`Pass`] says whether it trains.

mod capture;
mod checkpointed;
mod error;
mod features;
pub mod init;
pub mod layers;
mod module;
pub mod optim;
mod parameter;
mod pass;
pub mod quantization;
mod sequential;
mod state;
mod store;
mod tap;
mod transfer;
mod values;

pub use capture::{capture, capture_features};
pub use checkpointed::{Checkpointed, checkpoint};
pub use error::{Error, Result};
pub use features::{features, features_of, near_names};
pub use module::{INPUT, Layer, Module, OUTPUT, Port};
pub use parameter::{Entry, Parameter};
pub use pass::Pass;
pub use sequential::Sequential;
pub use state::{
    Checkpoint, HostTensor, LoadReport, LossScale, Misshaped, Prefixed, QuantizedState, StateDict, StateFile,
    StateSource, TrainingState, TransferReport, Unwrapped, load_but_head, narrow_i64,
};
pub use store::{ParameterStore, Scope};
pub use tap::{Tap, Tapped};
pub use tilewright_autograd::Var;
pub use transfer::{Freezing, Frozen, PathPattern};
pub use values::{Name, Values};
