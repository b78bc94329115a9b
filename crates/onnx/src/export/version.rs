//! The operator set that is written.

/// The operator set in which graphs are written.
pub const EXPORT_OPSET: i64 = 17;
