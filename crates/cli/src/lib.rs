//! The command-line program of Tilewright, as a library so that its parts can be tested.

pub mod pictures;
