//! Softmax and its logarithm along an axis.

use tilewright_kernels::reduction::{self, Lines};
use tilewright_ops::{DType, LogSoftmax, Op, Softmax};

use crate::{Result, Tensor, trace};

impl Tensor {
    /// `exp(x) / Σ exp(x)` along `axis`. No exp overflows, however large x is. Same shape and layout.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Axis`]; [`crate::Error::DType`] unless f32.
    pub fn softmax(&self, axis: usize) -> Result<Self> {
        Softmax { axis }.check(self.shape())?;
        if let Some(y) = trace::step(|| Op::Softmax(Softmax { axis }), &[self]) {
            return y;
        }
        self.along_lines("softmax", axis)
    }

    /// `x − log Σ exp(x)` along `axis`, accurate where the softmax itself would round to 0 or 1. Same shape and layout.
    ///
    /// # Errors
    /// As [`Self::softmax`].
    pub fn log_softmax(&self, axis: usize) -> Result<Self> {
        LogSoftmax { axis }.check(self.shape())?;
        if let Some(y) = trace::step(|| Op::LogSoftmax(LogSoftmax { axis }), &[self]) {
            return y;
        }
        self.along_lines("log_softmax", axis)
    }

    /// The gradient of x, where `self` is the result y of [`Self::softmax`]: y · (grad_y − Σ grad_y · y).
    ///
    /// # Errors
    /// As [`Self::softmax`], and [`tilewright_ops::ShapeError::Operand`] where grad_y has another shape.
    pub fn softmax_backward(&self, axis: usize, grad_y: &Self) -> Result<Self> {
        Softmax { axis }.check(self.shape())?;
        self.along_lines_backward("softmax", axis, grad_y)
    }

    /// The gradient of x, where `self` is the result y of [`Self::log_softmax`]: grad_y − exp(y) · Σ grad_y.
    ///
    /// # Errors
    /// As [`Self::softmax_backward`].
    pub fn log_softmax_backward(&self, axis: usize, grad_y: &Self) -> Result<Self> {
        LogSoftmax { axis }.check(self.shape())?;
        self.along_lines_backward("log_softmax", axis, grad_y)
    }

    fn along_lines(&self, op: &'static str, axis: usize) -> Result<Self> {
        self.require_f32(op, "x")?;
        let y = self.like(DType::F32)?;
        if self.count() > 0 {
            reduction::softmax(self.context(), op, self.buffer(), y.buffer(), self.lines(axis))?;
        }
        Ok(y)
    }

    fn along_lines_backward(&self, op: &'static str, axis: usize, grad_y: &Self) -> Result<Self> {
        self.require_f32(op, "y")?;
        grad_y.require_f32(op, "grad_y")?;
        self.require_same_context(op, grad_y)?;
        self.require_shape(op, "grad_y", grad_y)?;
        let grad_x = self.like(DType::F32)?;
        if self.count() == 0 {
            return Ok(grad_x);
        }
        let grad_y = grad_y.to_layout(self.layout())?;
        let (y, grad, to) = (self.buffer(), grad_y.buffer(), grad_x.buffer());
        if reduction::softmax_backward_lanes(self.context(), op, y, grad, to, self.lines(axis))? {
            return Ok(grad_x);
        }
        let weighted = if op == "softmax" { grad_y.mul(self)? } else { grad_y.clone() };
        // It lies as y does, so that its elements are in the order of the lines.
        let sums = weighted.sum(&[axis], true)?;
        reduction::softmax_backward(
            self.context(),
            op,
            self.buffer(),
            grad_y.buffer(),
            sums.buffer(),
            grad_x.buffer(),
            self.lines(axis),
        )?;
        Ok(grad_x)
    }

    /// How the lines along an axis lie in memory.
    pub(crate) fn lines(&self, axis: usize) -> Lines {
        let mut view = Lines { before: 1, along: 1, after: 1 };
        let mut passed = false;
        for at in self.layout().memory_order(self.rank()) {
            let extent = self.shape()[at];
            if at == axis {
                view.along = extent;
                passed = true;
            } else if passed {
                view.after *= extent;
            } else {
                view.before *= extent;
            }
        }
        view
    }
}
