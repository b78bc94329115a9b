//! Dropout.

use tilewright_ops::Dropout;

use super::rule::simple;
use crate::var::Rule;

/// Saves nothing: the mask is drawn again from (seed, stream).
pub(super) fn dropout(op: Dropout, seed: u64, stream: u64) -> Rule {
    simple(move |grad_y| Ok(grad_y.dropout_backward(&op, seed, stream)?))
}
