//! Batch normalisation whose running variance is the biased one.

use tilewright_tensor::composite::{BatchNormBiased, batch_norm_biased};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// Batch normalisation of N C … in training as ONNX defines it, with gradients of x, weight and bias; see
    /// [`tilewright_tensor::Tensor::batch_norm_biased`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::batch_norm_biased`].
    pub fn batch_norm_biased(
        &self,
        operands: [&Self; 4],
        eps: f32,
        kept: f32,
    ) -> Result<BatchNormBiased<Self>, Error> {
        batch_norm_biased::batch_norm_biased(self, operands, eps, kept)
    }
}
