//! Scaled dot-product attention as one operation, and its gradients.

use tilewright_ops::{Attention, MatMul, Op, UnaryOp};

use super::matmul::MatMulCall;
use super::results::results;
use crate::{composite::attention_steps::scores_of, error::Result, tensor::Tensor};

/// The gradients of [`Tensor::attention`] by its operands, those that were asked for.
#[derive(Clone, Debug, Default)]
pub struct AttentionGradients {
    /// By the queries.
    pub query: Option<Tensor>,
    /// By the keys.
    pub key: Option<Tensor>,
    /// By the values.
    pub value: Option<Tensor>,
    /// By the mask.
    pub mask: Option<Tensor>,
}

impl Tensor {
    /// Attention of N H L E queries (`self`) over N H S E keys with N H S V values: N H L V, and the logarithms of the
    /// softmax's sums, N H L. In one kernel, which stores no score, for heads of up to 128 numbers. The mask, added to the
    /// scores N H L S, may have extent 1 along all axes but the last.
    ///
    /// # Errors
    /// Those of [`Attention::output_shapes`]; [`crate::Error::DType`] unless f32.
    pub fn attention(
        &self,
        key: &Self,
        value: &Self,
        mask: Option<&Self>,
        op: Attention,
    ) -> Result<(Self, Self)> {
        let inputs: Vec<_> = [self, key, value].into_iter().chain(mask).collect();
        let op = Op::Attention { op, mask: mask.is_some() };
        let [y, log_sum] = results(&op, Self::run(&op, &inputs)?)?;
        Ok((y, log_sum))
    }

    /// The gradients of [`Self::attention`] by those of its operands (queries, keys, values, mask) that `wants` names, from
    /// its results. The shares of the softmax are computed again by the logarithms, as one tensor N H L S.
    ///
    /// # Errors
    /// Those of the operations.
    pub fn attention_backward(
        op: Attention,
        [query, key, value]: [&Self; 3],
        mask: Option<&Self>,
        [y, log_sum, grad_y]: [&Self; 3],
        wants: [bool; 4],
    ) -> Result<AttentionGradients> {
        let product = |left: &Self, right: &Self, transpose_left, transpose_right| {
            left.matmul_with(right, &MatMulCall::new(MatMul { transpose_left, transpose_right }))
        };
        let column = |tensor: &Self| -> Result<Self> {
            let mut shape: Vec<isize> = query.shape()[..3].iter().map(|&extent| extent as isize).collect();
            shape.push(1);
            tensor.reshape(&shape)
        };
        let shares = scores_of(op, query, key, mask)?.sub(&column(log_sum)?)?.unary(UnaryOp::Exp)?;
        let mut found = AttentionGradients::default();
        if wants[2] {
            found.value = Some(product(&shares, grad_y, true, false)?);
        }
        if !wants[0] && !wants[1] && !wants[3] {
            return Ok(found);
        }
        let along = product(grad_y, value, false, true)?;
        let mean = column(&grad_y.mul(y)?.sum(&[3], false)?)?;
        let by_scores = shares.mul(&along.sub(&mean)?)?;
        if let (true, Some(mask)) = (wants[3], mask) {
            found.mask = Some(by_scores.sum_to_shape(mask.shape())?);
        }
        if wants[0] {
            found.query = Some(product(&by_scores, key, false, false)?.scale(op.scale)?);
        }
        if wants[1] {
            found.key = Some(product(&by_scores, query, true, false)?.scale(op.scale)?);
        }
        Ok(found)
    }
}
