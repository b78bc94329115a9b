//! Normalisation by the root of the mean square.

use tilewright_tensor::composite::rms_norm;

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// x / √(mean of x² + eps) over the axes from `first` on; see [`tilewright_tensor::Tensor::rms_norm`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::rms_norm`].
    pub fn rms_norm(&self, first: usize, weight: Option<&Self>, eps: f32) -> Result<Self, Error> {
        rms_norm::rms_norm(self, first, weight, eps)
    }
}
