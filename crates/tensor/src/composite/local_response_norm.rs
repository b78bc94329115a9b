//! Local response normalisation across channels (Krizhevsky et al., 2012).

use tilewright_ops::{BinaryOp, Pool2d, UnaryOp};

use super::operand::{Operand, parameter, rank};
use crate::error::Error;
use crate::tensor::Tensor;

const OP: &str = "local_response_norm";

/// Parameters of a local response normalisation, with PyTorch's names and defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalResponseNorm {
    /// Channels in the neighbourhood.
    pub size: usize,
    /// Factor of the mean of squares.
    pub alpha: f32,
    /// Exponent.
    pub beta: f32,
    /// What is added.
    pub k: f32,
}

impl LocalResponseNorm {
    /// A neighbourhood of `size` channels with the usual numbers.
    #[must_use]
    pub const fn new(size: usize) -> Self {
        Self { size, alpha: 1e-4, beta: 0.75, k: 1.0 }
    }
}

/// `x / (k + alpha / size · Σ x²)^beta` of N C …, the sum over `size` channels around each: a pooling along the channels.
pub fn local_response_norm<V: Operand>(x: &V, op: &LocalResponseNorm) -> Result<V, V::Error> {
    let shape = x.shape().to_vec();
    let &[batch, channels, ref rest @ ..] = &shape[..] else {
        return Err(rank::<V>(OP, "x", &shape, "two or more (N C …)"));
    };
    if op.size == 0 {
        return Err(parameter::<V>(OP, "size", op.size, "it must be positive"));
    }
    let before = (op.size - 1) / 2;
    let columns = x.unary(UnaryOp::Square)?.with_shape(&[batch, 1, channels, rest.iter().product()])?;
    let columns = columns.pad(&[(0, 0), (0, 0), (before, op.size - 1 - before), (0, 0)], 0.0)?;
    let sums = columns.sum_pool2d(&Pool2d { stride: [1, 1], ..Pool2d::new([op.size, 1]) })?;
    let sums = sums.with_shape(&shape)?.scale(op.alpha / op.size as f32)?;
    let base = sums.unary(UnaryOp::AddScalar { value: op.k })?;
    let exponent = x.values(&[-op.beta], &[])?;
    x.mul(&base.binary(BinaryOp::Pow, &exponent)?)
}

impl Tensor {
    /// `x / (k + alpha / size · Σ x²)^beta` of N C …, the sum over the `size` channels around each, fewer at the ends: of an
    /// even size one more lies behind, as ONNX has it. PyTorch's `torch.nn.functional.local_response_norm` for an odd one.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`] below two axes, [`tilewright_ops::ShapeError::Parameter`] for a size of 0;
    /// [`Error::DType`] unless f32.
    pub fn local_response_norm(&self, op: &LocalResponseNorm) -> Result<Self, Error> {
        local_response_norm(self, op)
    }
}
