//! Instance normalisation.

use tilewright_tensor::composite::instance_norm;

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// Instance normalisation of N C …, with gradients of x, weight and bias; see
    /// [`tilewright_tensor::Tensor::instance_norm`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::instance_norm`].
    pub fn instance_norm(&self, weight: Option<&Self>, bias: Option<&Self>, eps: f32) -> Result<Self, Error> {
        instance_norm::instance_norm(self, weight, bias, eps)
    }
}
