//! Which of many vectors belongs to which.

use tilewright_ops::{LogSoftmax, Op, ReduceOp, Reduction};

use super::{
    join::{join, positive, same},
    norms::normalized,
};
use crate::composite::operand::{Operand, rank};
use crate::tensor::Tensor;

/// `torch.nn.functional.normalize`'s eps.
const SMALL: f32 = 1e-12;

/// What stands for −∞ in the similarity of a vector to itself: finite, so that 0 times it is 0.
const NEVER: f32 = -1e30;

/// −log softmax(cos(queryᵢ, key·) / τ)ᵢ of rows N D: the i-th key is the positive of the i-th query, the others are its negatives (van den
/// Oord et al., arXiv 1807.03748). One loss for each query.
///
/// # Errors
/// Those of [this module](super); a temperature that is not above 0.
pub fn info_nce_loss<V: Operand>(
    query: &V,
    key: &V,
    temperature: f32,
    reduction: Reduction,
) -> Result<V, V::Error> {
    let samples = rows("info_nce_loss", "query", query, key, temperature)?;
    let (query, key) = (normalized(query, 1, SMALL)?, normalized(key, 1, SMALL)?);
    let similar = query.matmul(&key.permute(&[1, 0])?)?.scale(1.0 / temperature)?;
    let chosen: Vec<usize> = (0..samples).collect();
    join(cross_entropy(&similar, &chosen)?, reduction)
}

/// The loss of SimCLR (Chen et al., arXiv 2002.05709): of the 2 N rows of two views N D of the same samples, each is to find its other
/// view among all rows but itself, by cosines over τ. One loss for each row, the first view's before the second's.
///
/// # Errors
/// Those of [`info_nce_loss`].
pub fn nt_xent_loss<V: Operand>(
    first: &V,
    second: &V,
    temperature: f32,
    reduction: Reduction,
) -> Result<V, V::Error> {
    let samples = rows("nt_xent_loss", "first", first, second, temperature)?;
    let both = normalized(&V::joined(&[first, second], 0)?, 1, SMALL)?;
    let similar = both.matmul(&both.permute(&[1, 0])?)?.scale(1.0 / temperature)?;
    let itself = selection(&similar, &(0..2 * samples).collect::<Vec<_>>())?;
    let similar = similar.values(&[NEVER], &[])?.where_on(&itself, &similar)?;
    let chosen: Vec<usize> = (0..2 * samples).map(|row| (row + samples) % (2 * samples)).collect();
    join(cross_entropy(&similar, &chosen)?, reduction)
}

/// The number of rows.
fn rows<V: Operand>(
    op: &'static str,
    operand: &'static str,
    x: &V,
    other: &V,
    temperature: f32,
) -> Result<usize, V::Error> {
    same(op, "other", x, other)?;
    positive::<V>(op, "temperature", temperature)?;
    match x.shape() {
        [samples, _] => Ok(*samples),
        shape => Err(rank::<V>(op, operand, shape, "two (N D)")),
    }
}

/// 1 at the chosen column of each row, else 0.
fn selection<V: Operand>(scores: &V, chosen: &[usize]) -> Result<Tensor, V::Error> {
    let rows = chosen.len();
    let mut values = vec![0.0; rows * rows];
    chosen.iter().enumerate().for_each(|(row, column)| values[row * rows + column] = 1.0);
    Ok(scores.values(&values, &[rows, rows])?.tensor().clone())
}

/// −log softmax of each row at the chosen column.
fn cross_entropy<V: Operand>(scores: &V, chosen: &[usize]) -> Result<V, V::Error> {
    let logs = V::apply_one(&Op::LogSoftmax(LogSoftmax { axis: 1 }), &[scores])?;
    let picked = V::constant(selection(scores, chosen)?);
    logs.mul(&picked)?.reduce(ReduceOp::Sum, &[1], false)?.scale(-1.0)
}
