//! Layer normalisation.

use tilewright_tensor::composite::{LayerNorm, layer_norm};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// Layer normalisation over the axes from `first` on, with gradients of x, weight and bias; see
    /// [`tilewright_tensor::Tensor::layer_norm`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::layer_norm`].
    pub fn layer_norm(
        &self,
        first: usize,
        weight: Option<&Self>,
        bias: Option<&Self>,
        eps: f32,
    ) -> Result<LayerNorm<Self>, Error> {
        layer_norm::layer_norm(self, first, weight, bias, eps)
    }
}
