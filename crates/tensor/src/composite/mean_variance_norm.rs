//! Mean-variance normalisation as ONNX defines it.

use tilewright_ops::UnaryOp;

use super::operand::Operand;
use crate::error::Error;
use crate::tensor::Tensor;

/// `(x − mean) / (√variance + 1e-9)` with the biased moments over `axes` (none means all).
pub fn mean_variance_norm<V: Operand>(x: &V, axes: &[usize]) -> Result<V, V::Error> {
    let [mean, rest, variance] = x.split_moments(axes)?;
    let deviation = variance.unary(UnaryOp::Sqrt)?.unary(UnaryOp::AddScalar { value: 1e-9 })?;
    x.standardize_by([&mean, &rest, &deviation.unary(UnaryOp::Reciprocal)?])
}

impl Tensor {
    /// `(x − mean) / (√variance + 1e-9)` with the biased moments over `axes` (none means all): ONNX's
    /// MeanVarianceNormalization. ONNX writes the variance as E\[x²\] − E\[x\]²; here it is the mean of the squared
    /// distances, so that nothing cancels.
    ///
    /// # Errors
    /// Those of [`Tensor::reduce`].
    pub fn mean_variance_norm(&self, axes: &[usize]) -> Result<Self, Error> {
        mean_variance_norm(self, axes)
    }
}
