//! Reductions and softmax.

use tilewright_ops::{LogSoftmax, ReduceOp, Softmax};
use tilewright_tensor::Tensor;

use crate::{Result, Var};

impl Var {
    /// `op` over `axes`. Saves the operand where the rule reads it.
    pub fn reduce(&self, op: ReduceOp, axes: &[usize], keepdim: bool) -> Result<Self> {
        let y = self.tensor().reduce(op, axes, keepdim)?;
        let (x, axes) = (self.tensor().clone(), axes.to_vec());
        Ok(Self::custom(op.name(), &[self], y, move |grad_y, _| {
            Ok(vec![Some(x.reduce_backward(op, &axes, keepdim, grad_y)?)])
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
        let op = Softmax { axis };
        let y = self.tensor().softmax(axis)?;
        let saved = y.clone();
        Ok(Self::custom("softmax", &[self], y, move |grad_y, _| {
            Ok(vec![Some(Tensor::softmax_backward(&saved, grad_y, op.axis)?)])
        }))
    }

    /// The logarithm of softmax along `axis`. Saves the result.
    pub fn log_softmax(&self, axis: usize) -> Result<Self> {
        let op = LogSoftmax { axis };
        let y = self.tensor().log_softmax(axis)?;
        let saved = y.clone();
        Ok(Self::custom("log_softmax", &[self], y, move |grad_y, _| {
            Ok(vec![Some(Tensor::log_softmax_backward(&saved, grad_y, op.axis)?)])
        }))
    }
}
