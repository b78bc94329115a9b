//! Resizing: which elements a place of the new axis is made of, and their weights.

mod method;
mod table;
mod taps;

pub use method::{Coordinates, Interpolation, Rounding};
pub use table::Resize2d;
