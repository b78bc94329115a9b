//! Reductions and softmax.

use tilewright_ops::{LogSoftmax, Op, ReduceOp, Softmax};

use crate::{error::Result, var::Var};

impl Var {
    /// `op` over `axes`. Saves the operand where the rule reads it.
    pub fn reduce(&self, op: ReduceOp, axes: &[usize], keepdim: bool) -> Result<Self> {
        Self::run_one(&Op::Reduce { op, axes: axes.to_vec(), keepdim }, &[self])
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
        Self::run_one(&Op::Softmax(Softmax { axis }), &[self])
    }

    /// The logarithm of softmax along `axis`. Saves the result.
    pub fn log_softmax(&self, axis: usize) -> Result<Self> {
        Self::run_one(&Op::LogSoftmax(LogSoftmax { axis }), &[self])
    }
}
