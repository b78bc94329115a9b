//! Batches, made ahead of need on threads, in an order that does not depend on the threads.

mod batches;
mod data_loader;
mod plan;
mod prefetch;

pub use batches::Batches;
pub use data_loader::{DataLoader, LoaderOptions};
pub use plan::Batch;
