//! Angles between vectors.

use tilewright_ops::{BinaryOp, ReduceOp, Reduction, UnaryOp};

use super::{
    binary_cross_entropy::one_minus,
    join::{join, positive, same},
    norms::lengths,
};
use crate::composite::operand::{Operand, fails, operand, parameter, rank};
use crate::tensor::Tensor;

/// a · b / (max(‖a‖, eps) · max(‖b‖, eps)) along `axis`, which goes: `torch.nn.functional.cosine_similarity`, whose eps is 1e-8.
///
/// # Errors
/// Those of [this module](super); an axis that is not there.
pub fn cosine_similarity<V: Operand>(a: &V, b: &V, axis: usize, eps: f32) -> Result<V, V::Error> {
    let op = "cosine_similarity";
    same(op, "b", a, b)?;
    positive::<V>(op, "eps", eps)?;
    if axis >= a.shape().len() {
        let axis = isize::try_from(axis).unwrap_or(isize::MAX);
        return Err(fails::<V>(tilewright_ops::ShapeError::Axis { op, axis, shape: a.shape().to_vec() }));
    }
    let (of_a, of_b) = (lengths(a, axis, eps)?, lengths(b, axis, eps)?);
    // The vectors are divided first: the product of two large ones leaves f32.
    a.div(&of_a)?.mul(&b.div(&of_b)?)?.reduce(ReduceOp::Sum, &[axis], false)
}

/// What PyTorch adds to the squares.
const SMALL: f32 = 1e-12;

/// 1 − cos(a, b) where `target` (f32, N) is 1, max(0, cos(a, b) − margin) where it is −1, of rows N D:
/// `torch.nn.functional.cosine_embedding_loss`.
///
/// # Errors
/// Those of [this module](super); a margin outside −1 ..= 1.
pub fn cosine_embedding_loss<V: Operand>(
    a: &V,
    b: &V,
    target: &Tensor,
    margin: f32,
    reduction: Reduction,
) -> Result<V, V::Error> {
    let op = "cosine_embedding_loss";
    same(op, "b", a, b)?;
    let [samples, _] = a.shape() else { return Err(rank::<V>(op, "a", a.shape(), "two (N D)")) };
    if target.shape() != [*samples] {
        return Err(operand::<V>(op, "target", target.shape(), &[*samples]));
    }
    if !(-1.0..=1.0).contains(&margin) {
        return Err(parameter::<V>(op, "margin", margin, "it must be between -1 and 1, as cosines are"));
    }
    let dot = |a: &V, b: &V| a.mul(b)?.reduce(ReduceOp::Sum, &[1], false);
    let squares = dot(a, a)?.plus(SMALL)?.unary(UnaryOp::Sqrt)?;
    let others = dot(b, b)?.plus(SMALL)?.unary(UnaryOp::Sqrt)?;
    let cos = dot(a, b)?.div(&squares)?.div(&others)?;
    let apart = cos.plus(-margin)?.unary(UnaryOp::Relu)?;
    let alike = target.binary(BinaryOp::Greater, &Operand::values(target, &[0.0], &[])?)?;
    join(one_minus(&cos)?.where_on(&alike, &apart)?, reduction)
}
