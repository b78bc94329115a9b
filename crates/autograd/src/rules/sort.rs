//! The largest or smallest elements along an axis.

use tilewright_ops::TopK;
use tilewright_tensor::Tensor;

use super::rule::simple;
use crate::var::Rule;

/// Saves the indices.
pub(super) fn topk(op: TopK, x: &Tensor, indices: &Tensor) -> Rule {
    let (shape, indices) = (x.shape().to_vec(), indices.clone());
    simple(move |grad_y| Ok(Tensor::topk_backward(op, &shape, &indices, grad_y)?))
}
