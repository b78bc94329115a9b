//! What several networks are made of.

mod attention;
pub(crate) mod conv_norm;
pub(crate) mod inverted_residual;
pub(crate) mod residual;

pub use attention::Attention;
pub use residual::Shortcut;
