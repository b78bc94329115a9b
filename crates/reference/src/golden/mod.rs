//! Reads the files in `tests/goldens`: inputs, outputs and gradients that PyTorch wrote.
//!
//! A file is safetensors. Its tensors are named `case/role` (`stride2/x`, `stride2/grad_weight`), and its metadata has one
//! entry for each case: a JSON object with the operation's name as `op` and its parameters. [`Case::operation`] makes a
//! value of the vocabulary of them.

mod case;
mod file;
mod operation;

pub use case::{Case, Data, GoldenError, GoldenTensor};
pub use file::{directory, family, read};
pub use operation::Operation;
