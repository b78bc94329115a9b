//! From a checked model to a graph over the engine's operations.
//!
//! Shapes are static: an import is for inputs of given shapes. Each node is computed on the host if it depends on constants
//! alone and the host knows it, and is otherwise run through the engine's tensor operations on symbolic tensors, which
//! write down the graph.

mod activation;
mod attention;
mod contrib;
mod convolution;
mod dynamic;
mod einsum;
mod elementwise;
mod importer;
mod indexing;
mod integers;
mod loss;
mod matmul;
mod max_indices;
mod movement;
mod node;
mod normalization;
mod operators;
mod pooling;
mod ports;
mod qdynamic;
mod qmatmul;
mod qreal;
mod quantized;
mod reduction;
mod resize;
mod roi;
mod run;
mod sampling;
mod scales;
mod value;
mod walk;
mod windows;

pub use importer::Import;
pub use ports::{Imported, InputPort, OutputPort};
pub use value::Weights;

pub use crate::table::counterparts::counterparts;
pub use crate::table::rows::operators;
