//! What the losses have in common.

use tilewright_ops::{ReduceOp, Reduction};

use crate::composite::operand::{Operand, operand, parameter};

/// The losses of the elements, joined.
pub(super) fn join<V: Operand>(losses: V, reduction: Reduction) -> Result<V, V::Error> {
    match reduction {
        Reduction::None => Ok(losses),
        Reduction::Sum => losses.reduce(ReduceOp::Sum, &[], false),
        Reduction::Mean => losses.reduce(ReduceOp::Mean, &[], false),
    }
}

/// Refuses an operand of another shape than the first one's.
pub(super) fn same<V: Operand>(
    op: &'static str,
    name: &'static str,
    first: &V,
    other: &V,
) -> Result<(), V::Error> {
    if first.shape() == other.shape() {
        return Ok(());
    }
    Err(operand::<V>(op, name, other.shape(), first.shape()))
}

/// Refuses a number that is negative, infinite or none.
pub(super) fn not_negative<V: Operand>(
    op: &'static str,
    name: &'static str,
    value: f32,
) -> Result<(), V::Error> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(parameter::<V>(op, name, value, "it must be finite and not negative"))
}

/// Refuses a number that is not above 0.
pub(super) fn positive<V: Operand>(op: &'static str, name: &'static str, value: f32) -> Result<(), V::Error> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(parameter::<V>(op, name, value, "it must be finite and above 0"))
}

/// The value alone: what depends on it has no gradient by it.
pub(super) fn detached<V: Operand>(x: &V) -> V {
    V::constant(x.tensor().clone())
}
