//! Operators computed on the host, over tensors of any element type: the shape arithmetic that exporters leave in a
//! graph, and whatever else depends on constants alone.
//!
//! Sums and functions are computed in f64 or i128 and rounded once, to the element type of the result. Nothing here is
//! meant for large tensors: what would make or read one of more than [`LIMIT`] elements is refused.

mod boxes;
mod broadcast;
pub(crate) mod call;
mod create;
mod elementwise;
mod functions;
mod gather;
mod indices;
mod movement;
mod newer;
mod operators;
mod order;
mod quantize;
mod reduce;
mod scatter;
mod signal;
mod unique;

pub use call::Call;

pub use crate::limit::LIMIT;
