//! Files of `torch.save`, of both forms, and plain pickles: tensors by name.

mod contents;
mod file;
pub(crate) mod gather;
mod legacy;
mod state;
mod zipped;

pub(crate) use file::TorchFile;
pub(crate) use legacy::MAGIC;
pub(crate) use zipped::prefix;
