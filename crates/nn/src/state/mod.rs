//! What a network has learnt, outside of it: state dicts, the files that hold them, checkpoints.

mod checkpoint;
mod host_tensor;
mod load;
mod report;
mod source;
mod state_dict;
mod state_file;

pub use checkpoint::{Checkpoint, TrainingState};
pub use host_tensor::{HostTensor, narrow_i64};
pub use report::{LoadReport, Misshaped};
pub use source::{Prefixed, StateSource};
pub use state_dict::StateDict;
pub use state_file::StateFile;
