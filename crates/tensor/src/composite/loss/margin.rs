//! Losses of a margin, by targets of 1 and −1.

use tilewright_ops::{BinaryOp, Reduction, UnaryOp};

use super::join::{join, same};
use crate::composite::operand::{Operand, parameter};

fn finite<V: Operand>(op: &'static str, margin: f32) -> Result<(), V::Error> {
    if margin.is_finite() {
        return Ok(());
    }
    Err(parameter::<V>(op, "margin", margin, "it must be finite"))
}

/// max(0, −t · (a − b) + margin), where t is 1 if a is to be the larger one, else −1:
/// `torch.nn.functional.margin_ranking_loss`.
///
/// # Errors
/// Those of [this module](super).
pub fn margin_ranking_loss<V: Operand>(
    a: &V,
    b: &V,
    target: &V,
    margin: f32,
    reduction: Reduction,
) -> Result<V, V::Error> {
    let op = "margin_ranking_loss";
    same(op, "b", a, b)?;
    same(op, "target", a, target)?;
    finite::<V>(op, margin)?;
    join(b.sub(a)?.mul(target)?.plus(margin)?.unary(UnaryOp::Relu)?, reduction)
}

/// x where the target is 1, max(0, margin − x) where it is −1: `torch.nn.functional.hinge_embedding_loss`.
///
/// # Errors
/// Those of [this module](super).
pub fn hinge_embedding_loss<V: Operand>(
    x: &V,
    target: &V,
    margin: f32,
    reduction: Reduction,
) -> Result<V, V::Error> {
    let op = "hinge_embedding_loss";
    same(op, "target", x, target)?;
    finite::<V>(op, margin)?;
    let apart = x.unary(UnaryOp::Neg)?.plus(margin)?.unary(UnaryOp::Relu)?;
    let zero = target.values(&[0.0], &[])?;
    let alike = target.tensor().binary(BinaryOp::Greater, zero.tensor())?;
    join(x.where_on(&alike, &apart)?, reduction)
}
