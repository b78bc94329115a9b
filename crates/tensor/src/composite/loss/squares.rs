//! Losses of the difference of two tensors.

use tilewright_ops::{Reduction, UnaryOp};

use super::join::{join, not_negative, positive, same};
use crate::composite::operand::Operand;

/// (x − t)²: `torch.nn.functional.mse_loss`.
///
/// # Errors
/// Those of [this module](super).
pub fn mse_loss<V: Operand>(x: &V, target: &V, reduction: Reduction) -> Result<V, V::Error> {
    same("mse_loss", "target", x, target)?;
    join(x.sub(target)?.unary(UnaryOp::Square)?, reduction)
}

/// |x − t|: `torch.nn.functional.l1_loss`. The gradient at 0 is 0.
///
/// # Errors
/// Those of [this module](super).
pub fn l1_loss<V: Operand>(x: &V, target: &V, reduction: Reduction) -> Result<V, V::Error> {
    same("l1_loss", "target", x, target)?;
    join(x.sub(target)?.unary(UnaryOp::Abs)?, reduction)
}

/// With d = |x − t|: d² / (2 β) below `beta`, d − β / 2 from there on: `torch.nn.functional.smooth_l1_loss` (Girshick, arXiv
/// 1504.08083). With `beta` 0 it is [`l1_loss`].
///
/// # Errors
/// Those of [this module](super); a `beta` that is negative.
pub fn smooth_l1_loss<V: Operand>(x: &V, target: &V, beta: f32, reduction: Reduction) -> Result<V, V::Error> {
    let op = "smooth_l1_loss";
    same(op, "target", x, target)?;
    not_negative::<V>(op, "beta", beta)?;
    if beta == 0.0 {
        return l1_loss(x, target, reduction);
    }
    join(bent(x, target, beta)?.scale(1.0 / beta)?, reduction)
}

/// With d = |x − t|: d² / 2 below `delta`, δ · (d − δ / 2) from there on: `torch.nn.functional.huber_loss` (Huber, 1964).
///
/// # Errors
/// Those of [this module](super); a `delta` that is not above 0.
pub fn huber_loss<V: Operand>(x: &V, target: &V, delta: f32, reduction: Reduction) -> Result<V, V::Error> {
    let op = "huber_loss";
    same(op, "target", x, target)?;
    positive::<V>(op, "delta", delta)?;
    join(bent(x, target, delta)?, reduction)
}

/// With c = min(d, bend): c · (d − c / 2), which is both branches at once.
fn bent<V: Operand>(x: &V, target: &V, bend: f32) -> Result<V, V::Error> {
    let d = x.sub(target)?.unary(UnaryOp::Abs)?;
    let c = d.unary(UnaryOp::Clamp { min: 0.0, max: bend })?;
    c.mul(&d.sub(&c.scale(0.5)?)?)
}
