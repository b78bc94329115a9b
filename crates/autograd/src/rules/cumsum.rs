//! Running sums along an axis.

use tilewright_ops::CumSum;

use super::rule::simple;
use crate::var::Rule;

/// An element is part of the sums behind it: its gradient is their running sum from the other end. Saves nothing.
pub(super) fn cumsum(op: CumSum) -> Rule {
    simple(move |grad_y| Ok(grad_y.cumsum(&op.turned())?))
}
