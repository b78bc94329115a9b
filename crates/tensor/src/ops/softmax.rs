//! Softmax and its logarithm along an axis.

use tilewright_ops::{Gradient, LogSoftmax, Op, Softmax};

use crate::{error::Result, tensor::Tensor};

impl Tensor {
    /// `exp(x) / Σ exp(x)` along `axis`. No exp overflows, however large x is. Same shape and layout.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Axis`]; [`crate::Error::DType`] unless f32.
    pub fn softmax(&self, axis: usize) -> Result<Self> {
        Self::run_one(&Op::Softmax(Softmax { axis }), &[self])
    }

    /// `x − log Σ exp(x)` along `axis`, accurate where the softmax itself would round to 0 or 1. Same shape and layout.
    ///
    /// # Errors
    /// As [`Self::softmax`].
    pub fn log_softmax(&self, axis: usize) -> Result<Self> {
        Self::run_one(&Op::LogSoftmax(LogSoftmax { axis }), &[self])
    }

    /// The gradient of x, where `self` is the result y of [`Self::softmax`]: y · (grad_y − Σ grad_y · y).
    ///
    /// # Errors
    /// As [`Self::softmax`], and [`tilewright_ops::ShapeError::Operand`] where grad_y has another shape.
    pub fn softmax_backward(&self, axis: usize, grad_y: &Self) -> Result<Self> {
        Self::run_one(&Op::Gradient(Gradient::Softmax(Softmax { axis })), &[self, grad_y])
    }

    /// The gradient of x, where `self` is the result y of [`Self::log_softmax`]: grad_y − exp(y) · Σ grad_y.
    ///
    /// # Errors
    /// As [`Self::softmax_backward`].
    pub fn log_softmax_backward(&self, axis: usize, grad_y: &Self) -> Result<Self> {
        Self::run_one(&Op::Gradient(Gradient::LogSoftmax(LogSoftmax { axis })), &[self, grad_y])
    }
}
