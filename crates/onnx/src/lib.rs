//! Reads ONNX models (operator sets 7 to 22), and writes graphs as such ([`export`], operator set 17).
//!
//! [`Model::load`] decodes a file and checks it: names, order, types, the sizes of weights, external data. What is wrong
//! is a typed error that names the node or tensor; no file makes it panic or take memory that the file has no bytes for.
//!
//! [`host`] computes, on the host, what must be known before anything runs: the shape arithmetic that exporters leave in
//! a graph.

mod attributes;
mod decode;
mod element;
mod error;
mod export;
mod external;
pub mod host;
pub mod import;
mod load;
mod model;
mod order;
mod params;
pub mod proto;
mod tensor;

pub use attributes::{Attribute, Attributes};
pub use element::ElementType;
pub use error::{Error, Result, UnsupportedOperator};
pub use export::{EXPORT_OPSET, export};
pub use import::{Import, Imported};
pub use model::{Dim, Model, Node, ValueInfo};
pub use tensor::{Data, HostTensor, Numbers};
