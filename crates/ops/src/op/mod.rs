//! An operation as a value: what runs, what a graph holds in its nodes, what autograd differentiates.
//!
//! [`Op`] lists them with their parameters; [`Op::facts`] (in `table`) says in one place what is known of each: name,
//! operands, results, element types, layouts, shape rule, FLOPs. What else is here is read from that table.

mod checks;
mod custom;
pub mod cut;
mod facts;
mod fuse;
mod gradient;
mod gradient_table;
mod quantized;
mod quantized_table;
mod table;
mod vocabulary;

pub use custom::{Custom, Described};
pub use facts::{Accepts, Facts, Gives, Input, Kind, Output, Preference};
pub use gradient::Gradient;
pub use quantized::Quantized;
pub use vocabulary::Op;
