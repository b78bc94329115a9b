//! Networks by name, as the command line takes them.

mod build;
mod classification;
mod detection;
mod entry;
mod error;
mod from_state;
mod options;
mod segmentation;

pub use build::{Network, build, entries, entry, names};
pub use entry::{Entry, Task};
pub use error::Error;
pub use from_state::options_of;
pub use options::Options;
