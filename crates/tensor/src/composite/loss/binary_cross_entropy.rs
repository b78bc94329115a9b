//! Cross-entropy of probabilities of yes and no.

use tilewright_ops::{Reduction, UnaryOp};

use super::join::{detached, join, same};
use crate::composite::operand::Operand;

/// −t · log p − (1 − t) · log(1 − p) of probabilities p, each logarithm at least −100, times `weight`, which is broadcast:
/// `torch.nn.functional.binary_cross_entropy`. Its gradient by p is PyTorch's (p − t) / max(p (1 − p), 1e-12), also where the
/// logarithms are cut off; by the target there is none.
///
/// # Errors
/// Those of [this module](super).
pub fn binary_cross_entropy<V: Operand>(
    p: &V,
    target: &V,
    weight: Option<&V>,
    reduction: Reduction,
) -> Result<V, V::Error> {
    same("binary_cross_entropy", "target", p, target)?;
    let (still, target) = (detached(p), detached(target));
    let bounded = |x: &V| x.unary(UnaryOp::Log)?.unary(UnaryOp::Clamp { min: -100.0, max: f32::MAX });
    let (other, other_target) = (one_minus(&still)?, one_minus(&target)?);
    let sum = target.mul(&bounded(&still)?)?.add(&other_target.mul(&bounded(&other)?)?)?;
    let spread = still.mul(&other)?.unary(UnaryOp::Clamp { min: 1e-12, max: 1.0 })?;
    let slope = still.sub(&target)?.div(&spread)?;
    // The value is `−sum`, the gradient `slope`: what is added is 0.
    let losses = p.sub(&still)?.mul(&slope)?.sub(&sum)?;
    join(weighted(losses, weight)?, reduction)
}

/// The cross-entropy of sigmoid(x), of logits x: (1 − t) · x + (1 + (w − 1) · t) · softplus(−x) with the `pos_weight` w of the
/// positive targets, times `weight`; both are broadcast. `torch.nn.functional.binary_cross_entropy_with_logits`. No logit is too
/// large for it.
///
/// # Errors
/// Those of [this module](super).
pub fn binary_cross_entropy_with_logits<V: Operand>(
    x: &V,
    target: &V,
    weight: Option<&V>,
    pos_weight: Option<&V>,
    reduction: Reduction,
) -> Result<V, V::Error> {
    same("binary_cross_entropy_with_logits", "target", x, target)?;
    join(weighted(with_logits(x, target, pos_weight)?, weight)?, reduction)
}

/// The loss of each logit.
pub(super) fn with_logits<V: Operand>(x: &V, target: &V, pos_weight: Option<&V>) -> Result<V, V::Error> {
    let mut rest = x.unary(UnaryOp::Neg)?.unary(UnaryOp::Softplus)?;
    if let Some(pos_weight) = pos_weight {
        rest = rest.mul(&pos_weight.plus(-1.0)?.mul(target)?.plus(1.0)?)?;
    }
    one_minus(target)?.mul(x)?.add(&rest)
}

/// 1 − x.
pub(super) fn one_minus<V: Operand>(x: &V) -> Result<V, V::Error> {
    x.unary(UnaryOp::Neg)?.plus(1.0)
}

fn weighted<V: Operand>(losses: V, weight: Option<&V>) -> Result<V, V::Error> {
    match weight {
        None => Ok(losses),
        Some(weight) => {
            let product = losses.mul(weight)?;
            same("binary_cross_entropy", "weight", &losses, &product)?;
            Ok(product)
        }
    }
}
