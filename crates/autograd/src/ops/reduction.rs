//! Reductions and softmax.

use tilewright_ops::ReduceOp;

use crate::{Result, Var};

impl Var {
    /// `op` over `axes`. Saves the operand where the rule reads it.
    pub fn reduce(&self, op: ReduceOp, axes: &[usize], keepdim: bool) -> Result<Self> {
        let y = self.tensor().reduce(op, axes, keepdim)?;
        let axes = axes.to_vec();
        if let ReduceOp::Sum | ReduceOp::Mean = op {
            // The gradient of a sum reads only shapes: the values may go.
            let (shape, count) =
                (self.shape().to_vec(), self.tensor().count() as f32 / y.count().max(1) as f32);
            // The rule's own words for it: no axes mean all of them.
            let kept = op.output_shape(&shape, &axes, true)?;
            let kept: Vec<_> = kept.into_iter().map(|extent| extent as isize).collect();
            return Ok(Self::custom(op.name(), &[self], y, move |grad_y, _| {
                let grad = grad_y.reshape(&kept)?.expand(&shape)?;
                Ok(vec![Some(if op == ReduceOp::Mean { grad.scale(1.0 / count)? } else { grad })])
            }));
        }
        let (x, saved) = (self.tensor().clone(), y.clone());
        Ok(Self::custom(op.name(), &[self], y, move |grad_y, _| {
            Ok(vec![Some(x.reduce_backward(op, &axes, keepdim, &saved, grad_y)?)])
        }))
    }

    /// The sum over `axes`.
    pub fn sum(&self, axes: &[usize], keepdim: bool) -> Result<Self> {
        self.reduce(ReduceOp::Sum, axes, keepdim)
    }

    /// The mean over `axes`.
    pub fn mean(&self, axes: &[usize], keepdim: bool) -> Result<Self> {
        self.reduce(ReduceOp::Mean, axes, keepdim)
    }

    /// Softmax along `axis`. Saves the result.
    pub fn softmax(&self, axis: usize) -> Result<Self> {
        let y = self.tensor().softmax(axis)?;
        let saved = y.clone();
        Ok(Self::custom("softmax", &[self], y, move |grad_y, _| {
            Ok(vec![Some(saved.softmax_backward(axis, grad_y)?)])
        }))
    }

    /// The logarithm of softmax along `axis`. Saves the result.
    pub fn log_softmax(&self, axis: usize) -> Result<Self> {
        let y = self.tensor().log_softmax(axis)?;
        let saved = y.clone();
        Ok(Self::custom("log_softmax", &[self], y, move |grad_y, _| {
            Ok(vec![Some(saved.log_softmax_backward(axis, grad_y)?)])
        }))
    }
}
