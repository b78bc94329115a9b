//! The negative log-likelihood of labels.

use tilewright_ops::Reduction;
use tilewright_tensor::{Tensor, composite::nll_loss};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// The negative log-likelihood of labels, with a gradient of the scores; see [`tilewright_tensor::Tensor::nll_loss`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::nll_loss`].
    pub fn nll_loss(
        &self,
        labels: &Tensor,
        weights: Option<&Tensor>,
        ignore_index: Option<i64>,
        reduction: Reduction,
    ) -> Result<Self, Error> {
        nll_loss::nll_loss(self, labels, weights, ignore_index, reduction)
    }
}
