//! Pickles as data.

mod calls;
mod globals;
pub(crate) mod machine;
mod opcode;
pub(crate) mod value;

pub(crate) use machine::run;
pub(crate) use value::{Data, Dtype, Heap, Node, Object, Scales, StorageElement, Tensor, Value, strided};
