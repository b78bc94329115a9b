//! The Kullback–Leibler divergence.

use tilewright_ops::{BinaryOp, ReduceOp, Reduction, UnaryOp};

use super::join::{join, same};
use crate::composite::operand::{Operand, rank};

/// How [`kl_div`] joins its terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KlReduction {
    /// The sum over the samples, the first axis, by their number: what the divergence is.
    #[default]
    BatchMean,
    /// By [`Reduction`]; the mean is over all elements, which is PyTorch's default and not the divergence.
    Each(Reduction),
}

/// t · (log t − x) of logarithms x of probabilities and a target of probabilities, or with `log_target` of their logarithms, where it
/// is eᵗ · (t − x): `torch.nn.functional.kl_div`. A target of 0 contributes nothing.
///
/// # Errors
/// Those of [this module](super).
pub fn kl_div<V: Operand>(
    x: &V,
    target: &V,
    log_target: bool,
    reduction: KlReduction,
) -> Result<V, V::Error> {
    let op = "kl_div";
    same(op, "target", x, target)?;
    let losses = if log_target {
        target.unary(UnaryOp::Exp)?.mul(&target.sub(x)?)?
    } else {
        let zero = target.values(&[0.0], &[])?;
        let none = target.tensor().binary(BinaryOp::Equal, zero.tensor())?;
        let one = target.values(&[1.0], &[])?;
        let logs = one.where_on(&none, target)?.unary(UnaryOp::Log)?;
        target.mul(&logs)?.sub(&target.mul(x)?)?
    };
    match reduction {
        KlReduction::Each(reduction) => join(losses, reduction),
        KlReduction::BatchMean => match x.shape() {
            [] => Err(rank::<V>(op, "x", &[], "one or more")),
            [samples, ..] => losses.reduce(ReduceOp::Sum, &[], false)?.scale(1.0 / *samples as f32),
        },
    }
}
