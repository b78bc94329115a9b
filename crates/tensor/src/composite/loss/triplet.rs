//! Triplets.

use tilewright_ops::{BinaryOp, ReduceOp, Reduction, UnaryOp};

use super::join::{join, not_negative, positive, same};
use crate::composite::operand::{Operand, rank};

/// The options of [`triplet_margin_loss`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TripletMargin {
    /// How much farther off the negative is to be.
    pub margin: f32,
    /// The norm of a distance.
    pub p: f32,
    /// Added to each difference.
    pub eps: f32,
    /// Whether the negative's distance is that to the positive, where it is the shorter one (Balntas et al., BMVC 2016).
    pub swap: bool,
}

impl Default for TripletMargin {
    /// PyTorch's.
    fn default() -> Self {
        Self { margin: 1.0, p: 2.0, eps: 1e-6, swap: false }
    }
}

/// max(0, d(anchor, positive) − d(anchor, negative) + margin), where d(x, y) = ‖x − y + eps‖ₚ along the last axis:
/// `torch.nn.functional.triplet_margin_loss`.
///
/// # Errors
/// Those of [this module](super); a margin or `eps` that is negative, a `p` that is not above 0.
pub fn triplet_margin_loss<V: Operand>(
    anchor: &V,
    positive_sample: &V,
    negative: &V,
    op: &TripletMargin,
    reduction: Reduction,
) -> Result<V, V::Error> {
    let name = "triplet_margin_loss";
    same(name, "positive", anchor, positive_sample)?;
    same(name, "negative", anchor, negative)?;
    not_negative::<V>(name, "margin", op.margin)?;
    not_negative::<V>(name, "eps", op.eps)?;
    positive::<V>(name, "p", op.p)?;
    if anchor.shape().is_empty() {
        return Err(rank::<V>(name, "anchor", &[], "one or more"));
    }
    let near = distance(anchor, positive_sample, op)?;
    let mut far = distance(anchor, negative, op)?;
    if op.swap {
        far = far.binary(BinaryOp::Minimum, &distance(positive_sample, negative, op)?)?;
    }
    join(near.sub(&far)?.plus(op.margin)?.unary(UnaryOp::Relu)?, reduction)
}

/// ‖x − y + eps‖ₚ along the last axis, which goes.
fn distance<V: Operand>(x: &V, y: &V, op: &TripletMargin) -> Result<V, V::Error> {
    let difference = x.sub(y)?.plus(op.eps)?;
    let last = x.shape().len() - 1;
    let sum = |x: &V| x.reduce(ReduceOp::Sum, &[last], false);
    if op.p == 1.0 {
        return sum(&difference.unary(UnaryOp::Abs)?);
    }
    if op.p == 2.0 {
        return sum(&difference.unary(UnaryOp::Square)?)?.unary(UnaryOp::Sqrt);
    }
    let power = |x: &V, exponent: f32| x.binary(BinaryOp::Pow, &x.values(&[exponent], &[])?);
    power(&sum(&power(&difference.unary(UnaryOp::Abs)?, op.p)?)?, 1.0 / op.p)
}
