//! In which type a compiled network keeps its numbers.

use serde::Serialize;

/// In which type products and convolutions keep activations and weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floating point everywhere.
    #[default]
    F32,
    /// Stored as 16-bit floating point, summed in f32; everything else in f32
    /// ([`crate::passes::convert_f16`] says what exactly). [`crate::Compiled::run`] looks at its first request how large the
    /// numbers are, and keeps layers in f32 that leave the range of f16; of a session's, [`crate::Compiled::in_range`] does.
    F16,
}
