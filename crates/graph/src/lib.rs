//! Compiled inference: a network as a graph of operations, made smaller, planned once and replayed.
//!
//! ```
//! use tilewright_graph::{Compiled, Options, capture};
//! use tilewright_tensor::{DType, Tensor};
//! # let context = tilewright_runtime::Context::new()?;
//! let weight = Tensor::from_slice(&context, &[0.5f32; 9], &[1, 1, 3, 3])?;
//! let conv = tilewright_ops::Conv2d::default();
//! let graph = capture(&context, &[("x", &[1, 1, 4, 4], DType::F32)], |inputs| {
//!     Ok::<_, tilewright_tensor::Error>(vec![("y".into(), inputs[0].conv2d(&weight, None, &conv)?.relu()?)])
//! })?;
//! let compiled = Compiled::new(&graph, &Options::default())?;
//! let mut session = compiled.session()?; // one for each thread
//! session.write(0, &[1.0f32; 16])?;
//! session.execute()?; // one submission: nothing is allocated, compiled or bound
//! assert_eq!(session.read::<f32>(0)?, [4.5; 4]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`capture`] runs a forward function on symbolic tensors; an importer builds a [`Graph`] node by node. [`passes`] make
//! it smaller. [`Compiled`] runs every operation's own launcher once in a recording of the runtime, which becomes a plan;
//! [`Model`] keeps one for each shape of the inputs. A [`Session`] is the memory of one request at a time over a plan: any
//! number of threads run at once, each with its own.

mod bytes;
mod capture;
mod compile;
mod constants;
mod error;
mod graph;
mod lowering;
mod model;
pub mod passes;
mod ports;
mod precision;
pub mod quantize;
mod range;
mod rewrite;
mod session;
mod summary;

pub use capture::{capture, capture_named};
pub use compile::{Compiled, Options};
pub use constants::Constants;
pub use error::{Error, Result};
pub use graph::{Graph, Node, Value, ValueId};
pub use model::Model;
pub use passes::PassReport;
pub use ports::Port;
pub use precision::Precision;
pub use range::KeptInF32;
pub use rewrite::Rewriter;
pub use session::Session;
pub use summary::{NodeSummary, Summary};
