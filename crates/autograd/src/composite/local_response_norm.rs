//! Local response normalisation.

use tilewright_tensor::composite::{LocalResponseNorm, local_response_norm};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// Local response normalisation across the channels of N C …; see
    /// [`tilewright_tensor::Tensor::local_response_norm`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::local_response_norm`].
    pub fn local_response_norm(&self, op: &LocalResponseNorm) -> Result<Self, Error> {
        local_response_norm::local_response_norm(self, op)
    }
}
