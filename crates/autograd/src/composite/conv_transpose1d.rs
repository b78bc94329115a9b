//! Transposed convolution over one axis.

use tilewright_tensor::composite::{ConvTranspose1d, conv_transpose1d};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// 1-D transposed convolution of N I L, with gradients of x, weight and bias; see
    /// [`tilewright_tensor::Tensor::conv_transpose1d`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::conv_transpose1d`].
    pub fn conv_transpose1d(
        &self,
        weight: &Self,
        bias: Option<&Self>,
        op: &ConvTranspose1d,
    ) -> Result<Self, Error> {
        conv_transpose1d::conv_transpose1d(self, weight, bias, op)
    }
}
