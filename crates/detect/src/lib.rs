//! Detection on the host.

pub mod annotations;
pub mod augment;
pub mod boxes;
mod error;
pub mod masks;
pub mod metrics;

pub use error::DetectError;
