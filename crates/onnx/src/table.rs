//! The one table of ONNX's operators: import, the host's arithmetic, export and the support table read it.
//!
//! A row carries the operation, its attributes as data. A function of one element that ONNX has too is one row here.

mod activation;
pub(crate) mod attributes;
mod contrib;
pub(crate) mod counterparts;
mod elementwise;
mod host;
mod movement;
mod network;
pub(crate) mod operator;
mod quantized;
mod reduction;
pub(crate) mod rows;
mod spatial;
