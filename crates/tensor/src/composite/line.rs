//! N C L as an image of one row, for operations that are known over images.

use super::operand::{Operand, rank};

/// N C L as N C 1 L.
pub(super) fn row<V: Operand>(op: &'static str, operand: &'static str, x: &V) -> Result<V, V::Error> {
    let &[n, c, length] = x.shape() else { return Err(rank::<V>(op, operand, x.shape(), "three (N C L)")) };
    x.with_shape(&[n, c, 1, length])
}

/// N C 1 L as N C L.
pub(super) fn line<V: Operand>(op: &'static str, y: &V) -> Result<V, V::Error> {
    let &[n, c, 1, length] = y.shape() else { return Err(rank::<V>(op, "y", y.shape(), "four (N C 1 L)")) };
    y.with_shape(&[n, c, length])
}
