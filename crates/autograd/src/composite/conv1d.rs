//! Convolution over one axis.

use tilewright_tensor::composite::{Conv1d, conv1d};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// 1-D convolution of N C L, with gradients of x, weight and bias; see [`tilewright_tensor::Tensor::conv1d`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::conv1d`].
    pub fn conv1d(&self, weight: &Self, bias: Option<&Self>, op: &Conv1d) -> Result<Self, Error> {
        conv1d::conv1d(self, weight, bias, op)
    }
}
