//! Networks on pictures: what the commands that look at pictures share.

mod about;
mod arguments;
mod files;
mod names;
mod times;
mod viewer;

pub use about::{About, probe};
pub use arguments::NetworkArguments;
pub use files::{find, read_all};
pub use names::class_names;
pub use times::Times;
pub use viewer::{Seen, Viewer, Wanted, preset};
