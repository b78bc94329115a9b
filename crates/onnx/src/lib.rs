//! Reads ONNX models (operator sets up to 26), and writes graphs as such ([`export`], operator set 17).
//!
//! [`Model::load`] decodes a file and checks it: names, order, types, the sizes of weights, external data. What is wrong
//! is a typed error that names the node or tensor; no file makes it panic or take memory that the file has no bytes for.
//!
//! [`Import`] maps a model onto the engine's operations for inputs of given shapes:
//!
//! ```no_run
//! use tilewright_graph::{Compiled, Options};
//! use tilewright_onnx::{Data, HostTensor, Import, Model};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let context = tilewright_runtime::Context::new()?;
//! let model = Model::load("resnet18.onnx")?;
//! let imported = Import::new(&model).shape("x", &[1, 3, 224, 224]).graph(&context)?;
//! let compiled = Compiled::new(&imported.graph, &Options::default())?;
//! let image = HostTensor::new(&[1, 3, 224, 224], Data::F32(vec![0.0; 3 * 224 * 224])).map_err(|_| "the image's size")?;
//! let outputs = imported.run(&compiled, &[&image])?;
//! println!("{}: {:?}", outputs[0].0, outputs[0].1.shape());
//! # Ok(())
//! # }
//! ```
//!
//! [`host`] computes, on the host, what must be known before anything runs: the shape arithmetic that exporters leave in
//! a graph.

mod attributes;
mod bodies;
mod decode;
mod element;
mod elements;
mod error;
mod export;
mod external;
mod functions;
pub mod host;
pub mod import;
mod limit;
mod load;
mod model;
mod narrow;
mod order;
mod params;
pub mod proto;
mod table;
mod tensor;

pub use attributes::{Attribute, Attributes};
pub use element::ElementType;
pub use error::{Error, Result, UnsupportedOperator};
pub use export::{EXPORT_OPSET, export, export_ports};
pub use import::{Import, Imported, InputPort, OutputPort, Weights};
pub use model::{Dim, Model, Node, ValueInfo};
pub use tensor::{Data, HostTensor, Numbers};
