//! The support table: for every operation, which kernels compute it and its gradient, what defines it, and in which types.
//!
//! The table is data, so that tests can walk it: `tests/support.rs` holds it against the kernel files, the vocabulary,
//! the reference and the golden files, and `docs/support.md` against [`markdown`]. A new operation is a new row.

mod composed;
mod operation;
mod page;
mod rows;

pub use composed::{COMPOSED, Composed};
pub use operation::Operation;
pub use page::markdown;
pub use rows::{OPERATIONS, operation};
