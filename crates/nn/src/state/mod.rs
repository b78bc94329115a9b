//! What a network has learnt, outside of it: state dicts, the files that hold them, checkpoints.

pub(crate) mod checkpoint;
pub(crate) mod host_tensor;
pub(crate) mod load;
pub(crate) mod quantized;
pub(crate) mod report;
pub(crate) mod source;
pub(crate) mod state_dict;
pub(crate) mod state_file;
pub(crate) mod transfer;

pub use checkpoint::{Checkpoint, LossScale, TrainingState};
pub use host_tensor::{HostTensor, narrow_i64};
pub use quantized::QuantizedState;
pub use report::{LoadReport, Misshaped};
pub use source::{Prefixed, StateSource, Unwrapped};
pub use state_dict::StateDict;
pub use state_file::StateFile;
pub use transfer::{TransferReport, load_but_head};
