//! Detection on the host.

pub mod boxes;
pub mod masks;
