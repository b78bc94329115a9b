//! Reductions and softmax.

use tilewright_ops::ReduceOp;
use tilewright_tensor::Tensor;

use super::rule::{signed, simple};
use crate::{error::Result, var::Rule};

/// Saves the operand where the rule reads it.
pub(super) fn reduce(op: ReduceOp, axes: &[usize], keepdim: bool, x: &Tensor, y: &Tensor) -> Result<Rule> {
    if let ReduceOp::Sum | ReduceOp::Mean = op {
        // The gradient of a sum reads only shapes: the values may go.
        let (shape, count) = (x.shape().to_vec(), x.count() as f32 / y.count().max(1) as f32);
        // The rule's own words for it: no axes mean all of them.
        let kept = signed(&op.output_shape(&shape, axes, true)?);
        return Ok(simple(move |grad_y| {
            let grad = grad_y.reshape(&kept)?.expand(&shape)?;
            Ok(if op == ReduceOp::Mean { grad.scale(1.0 / count)? } else { grad })
        }));
    }
    let (x, y, axes) = (x.clone(), y.clone(), axes.to_vec());
    Ok(simple(move |grad_y| Ok(x.reduce_backward(op, &axes, keepdim, &y, grad_y)?)))
}

/// Saves the result.
pub(super) fn softmax(axis: usize, y: &Tensor) -> Rule {
    let y = y.clone();
    simple(move |grad_y| Ok(y.softmax_backward(axis, grad_y)?))
}

/// Saves the result.
pub(super) fn log_softmax(axis: usize, y: &Tensor) -> Rule {
    let y = y.clone();
    simple(move |grad_y| Ok(y.log_softmax_backward(axis, grad_y)?))
}
