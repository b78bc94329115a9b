//! Retrieval: an [`Index`] of vectors, and the nearest of them to a query, found exactly.
//!
//! A [`Searcher`] holds the vectors on the device in chunks that its bindings can hold. A query is one product with each
//! chunk and the largest few of what comes out, and their scores are computed again in f64 on the host: what is returned is
//! what comparing with every vector would return.
//!
//! The crate knows vectors and their names, no pictures and no networks: what makes the vectors is above it.
//!
//! ```
//! use tilewright_retrieve::{Index, Metric, Searcher};
//!
//! let mut index = Index::new(2, Metric::Cosine)?;
//! index.add(7, "east", &[3.0, 0.0])?;
//! index.add(8, "north", &[0.0, 0.5])?;
//! let context = tilewright_runtime::Context::new()?;
//! let found = Searcher::new(&index, &context)?.query(&[1.0, 0.2], 1)?;
//! assert_eq!((found[0][0].id, found[0][0].name.as_str()), (7, "east"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod file;
mod index;
mod metric;
mod search;

pub use error::{Error, Result};
pub use index::Index;
pub use metric::Metric;
pub use search::{Match, Searcher};
