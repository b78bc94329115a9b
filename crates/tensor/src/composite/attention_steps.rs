//! Attention as its steps, with the scores as a tensor: where no kernel runs it, and on the way back.

use tilewright_ops::{Attention, BinaryOp, MatMul, ReduceOp, UnaryOp};

use crate::{error::Result, ops::matmul::MatMulCall, tensor::Tensor};

/// The scores as a tensor, then their softmax and the product by the values.
pub(crate) fn in_steps(
    op: Attention,
    [query, key, value]: [&Tensor; 3],
    mask: Option<&Tensor>,
) -> Result<Vec<Tensor>> {
    let scores = scores_of(op, query, key, mask)?;
    let zero = Tensor::zeros(query.context(), &[])?;
    let largest = scores.reduce(ReduceOp::Max, &[3], true)?;
    // A query that sees nothing has no distance of two infinities.
    let none = largest.binary(BinaryOp::Less, &Tensor::from_slice(query.context(), &[-f32::MAX], &[])?)?;
    let largest = zero.where_on(&none, &largest)?;
    let powers = scores.sub(&largest)?.unary(UnaryOp::Exp)?;
    let sums = powers.reduce(ReduceOp::Sum, &[3], true)?;
    let one = Tensor::ones(query.context(), &[])?;
    let divisors = one.where_on(&none, &sums)?;
    let y = powers.matmul(value)?.div(&divisors)?;
    let log_sum = divisors.unary(UnaryOp::Log)?.add(&largest)?;
    let extents: Vec<isize> = query.shape()[..3].iter().map(|&extent| extent as isize).collect();
    Ok(vec![y, log_sum.reshape(&extents)?])
}

/// scale · query · keyᵀ + mask, −∞ where a query sees no key.
pub(crate) fn scores_of(
    op: Attention,
    query: &Tensor,
    key: &Tensor,
    mask: Option<&Tensor>,
) -> Result<Tensor> {
    let product = MatMul { transpose_left: false, transpose_right: true };
    let scores = query.matmul_with(key, &MatMulCall::new(product))?.scale(op.scale)?;
    let scores = match mask {
        Some(mask) => scores.add(mask)?,
        None => scores,
    };
    if !op.causal {
        return Ok(scores);
    }
    let places = |count: usize, shape: &[usize]| {
        let places: Vec<f32> = (0..count).map(|place| place as f32).collect();
        Tensor::from_slice(query.context(), &places, shape)
    };
    let (queries, keys) = (query.shape()[2], key.shape()[2]);
    let seen = places(keys, &[1, keys])?.binary(BinaryOp::LessOrEqual, &places(queries, &[queries, 1])?)?;
    scores.where_on(&seen, &Tensor::from_slice(query.context(), &[f32::NEG_INFINITY], &[])?)
}
