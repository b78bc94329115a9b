//! Cross-entropy in which what is easy counts little.

use tilewright_ops::{BinaryOp, LogSoftmax, Op, Reduction, UnaryOp};

use super::{
    binary_cross_entropy::{one_minus, with_logits},
    join::{join, not_negative, same},
};
use crate::composite::{
    nll_loss::nll_loss,
    operand::{Operand, rank},
};
use crate::tensor::Tensor;

/// Below it a power of a probability has no gradient: where the probability is 0 in f32, that of an exponent below 1 is infinite.
const LEAST: f32 = 1e-30;

/// αₜ · (1 − pₜ)^γ · −log pₜ of logits x, with p = sigmoid(x), pₜ = p · t + (1 − p) · (1 − t) and αₜ = α · t + (1 − α) · (1 − t), or 1
/// without `alpha` (Lin et al., arXiv 1708.02002): `torchvision.ops.sigmoid_focal_loss`, whose defaults are α 0.25 and γ 2. The
/// reduction is over all elements.
///
/// # Errors
/// Those of [this module](super); a `gamma` that is negative.
pub fn sigmoid_focal_loss<V: Operand>(
    x: &V,
    target: &V,
    alpha: Option<f32>,
    gamma: f32,
    reduction: Reduction,
) -> Result<V, V::Error> {
    let op = "sigmoid_focal_loss";
    same(op, "target", x, target)?;
    not_negative::<V>(op, "gamma", gamma)?;
    let losses = with_logits(x, target, None)?;
    // 1 − pₜ = sigmoid(x) · (1 − t) + sigmoid(−x) · t, which keeps its digits where pₜ is near 1.
    let (no, yes) = (x.unary(UnaryOp::Sigmoid)?, x.unary(UnaryOp::Neg)?.unary(UnaryOp::Sigmoid)?);
    let missed = no.mul(&one_minus(target)?)?.add(&yes.mul(target)?)?;
    let mut losses = modulated(&losses, &missed, gamma)?;
    if let Some(alpha) = alpha {
        not_negative::<V>(op, "alpha", alpha)?;
        losses = losses.mul(&target.scale(2.0 * alpha - 1.0)?.plus(1.0 - alpha)?)?;
    }
    join(losses, reduction)
}

/// αₜ · (1 − pₜ)^γ · −log pₜ of logits N C … and labels N … (i32), with p = softmax(x) over the classes and pₜ that of the label;
/// `alpha` has shape `[C]`. A label that is `ignore_index`, or no class, counts for nothing; the mean is over the labels that
/// count.
///
/// # Errors
/// Those of [this module](super); a `gamma` that is negative; those of [`Tensor::nll_loss`].
pub fn softmax_focal_loss<V: Operand>(
    x: &V,
    labels: &Tensor,
    alpha: Option<&Tensor>,
    gamma: f32,
    ignore_index: Option<i64>,
    reduction: Reduction,
) -> Result<V, V::Error> {
    let op = "softmax_focal_loss";
    not_negative::<V>(op, "gamma", gamma)?;
    if x.shape().len() < 2 {
        return Err(rank::<V>(op, "x", x.shape(), "two or more (N C …)"));
    }
    let logs = V::apply_one(&Op::LogSoftmax(LogSoftmax { axis: 1 }), &[x])?;
    let missed = one_minus(&logs.unary(UnaryOp::Exp)?)?;
    let scores = modulated(&logs, &missed, gamma)?;
    let losses = nll_loss(&scores, labels, alpha, ignore_index, Reduction::None)?;
    if reduction != Reduction::Mean {
        return join(losses, reduction);
    }
    let ones = Tensor::full(x.tensor().context(), -1.0, x.shape())?;
    let count = nll_loss(&ones, labels, None, ignore_index, Reduction::Sum)?;
    join(losses, Reduction::Sum)?.div(&V::constant(count))
}

/// `losses · missed^gamma`.
fn modulated<V: Operand>(losses: &V, missed: &V, gamma: f32) -> Result<V, V::Error> {
    if gamma == 0.0 {
        return Ok(losses.clone());
    }
    if gamma == 1.0 {
        return losses.mul(missed);
    }
    if gamma == 2.0 {
        return losses.mul(&missed.unary(UnaryOp::Square)?);
    }
    let held = missed.unary(UnaryOp::Clamp { min: LEAST, max: f32::MAX })?;
    losses.mul(&held.binary(BinaryOp::Pow, &missed.values(&[gamma], &[])?)?)
}
