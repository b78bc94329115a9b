//! How an operation can be computed in pieces: along which axes of its results, and which part of each operand a piece
//! needs. So a tensor that is larger than what a device binds at once is worked on in slices.
//!
//! [`crate::op::Op::cuts`] has one arm for each operation: one that cannot be computed in pieces says so by an empty list.

mod gradients;
mod lines;
mod pieces;
mod products;
mod table;
mod windows;

pub use pieces::{Cut, Join, Part, Piece, Then};
