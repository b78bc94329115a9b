//! Group normalisation.

use tilewright_tensor::composite::group_norm;

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// Group normalisation of N C …, with gradients of x, weight and bias; see [`tilewright_tensor::Tensor::group_norm`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::group_norm`].
    pub fn group_norm(
        &self,
        groups: usize,
        weight: Option<&Self>,
        bias: Option<&Self>,
        eps: f32,
    ) -> Result<Self, Error> {
        group_norm::group_norm(self, groups, weight, bias, eps)
    }
}
