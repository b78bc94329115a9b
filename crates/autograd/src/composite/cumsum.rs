//! Running sums.

use tilewright_tensor::composite::{CumSum, cumsum};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// Running sums along an axis; see [`tilewright_tensor::Tensor::cumsum`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::cumsum`].
    pub fn cumsum(&self, op: &CumSum) -> Result<Self, Error> {
        cumsum::cumsum(self, op)
    }
}
