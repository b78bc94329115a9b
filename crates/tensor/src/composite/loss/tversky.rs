//! Overlap of a segmentation with its mask.

use tilewright_ops::{ReduceOp, Reduction};

use super::{
    binary_cross_entropy::one_minus,
    join::{join, not_negative, same},
};
use crate::composite::operand::{Operand, rank};

/// How false positives and negatives count in [`tversky_loss`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tversky {
    /// The weight of false positives.
    pub alpha: f32,
    /// The weight of false negatives.
    pub beta: f32,
    /// Added above and below the line: with 0 the loss of an empty mask that was found empty is NaN.
    pub smooth: f32,
    /// Whether the overlap is that of the whole batch, or of each sample.
    pub over_batch: bool,
}

impl Default for Tversky {
    /// Dice's weights, smoothed by 1, of each sample.
    fn default() -> Self {
        Self { alpha: 0.5, beta: 0.5, smooth: 1.0, over_batch: false }
    }
}

/// 1 − (TP + s) / (TP + α FP + β FN + s) of probabilities p N C … and a mask t of the shape, with TP = Σ p t, FP = Σ p (1 − t) and
/// FN = Σ (1 − p) t over the places (Salehi et al., arXiv 1706.05721). There is a loss for each sample and class, N C, or for each
/// class, C, if the sums are over the batch as well.
///
/// # Errors
/// Those of [this module](super); weights or `smooth` that are negative.
pub fn tversky_loss<V: Operand>(
    p: &V,
    target: &V,
    op: &Tversky,
    reduction: Reduction,
) -> Result<V, V::Error> {
    overlap("tversky_loss", p, target, op, reduction)
}

/// 1 − (2 Σ p t + s) / (Σ p + Σ t + s) of probabilities p N C … and a mask t of the shape, summed over the places (Milletari et al.,
/// arXiv 1606.04797, without their squares): [`tversky_loss`] with both weights ½. There is a loss for each sample and class.
///
/// # Errors
/// Those of [`tversky_loss`].
pub fn dice_loss<V: Operand>(p: &V, target: &V, smooth: f32, reduction: Reduction) -> Result<V, V::Error> {
    let op = Tversky { smooth: 0.5 * smooth, ..Tversky::default() };
    overlap("dice_loss", p, target, &op, reduction)
}

fn overlap<V: Operand>(
    name: &'static str,
    p: &V,
    target: &V,
    op: &Tversky,
    reduction: Reduction,
) -> Result<V, V::Error> {
    same(name, "target", p, target)?;
    let places = p.shape().len();
    if places < 3 {
        return Err(rank::<V>(name, "p", p.shape(), "three or more (N C …)"));
    }
    for (parameter, value) in [("alpha", op.alpha), ("beta", op.beta), ("smooth", op.smooth)] {
        not_negative::<V>(name, parameter, value)?;
    }
    let mut axes: Vec<usize> = (2..places).collect();
    if op.over_batch {
        axes.insert(0, 0);
    }
    let sum = |x: &V| x.reduce(ReduceOp::Sum, &axes, false);
    let hit = sum(&p.mul(target)?)?;
    let (more, less) = (sum(p)?.sub(&hit)?, sum(target)?.sub(&hit)?);
    let above = hit.plus(op.smooth)?;
    let below = above.add(&more.scale(op.alpha)?)?.add(&less.scale(op.beta)?)?;
    join(one_minus(&above.div(&below)?)?, reduction)
}
