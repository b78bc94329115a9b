//! Transfer learning: paths by pattern, and which parameters training changes when.

mod freezing;
pub(crate) mod pattern;

pub use freezing::{Freezing, Frozen};
pub use pattern::PathPattern;
