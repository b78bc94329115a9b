//! Transposed convolution over three axes.

use tilewright_tensor::composite::{ConvTranspose3d, conv_transpose3d};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// 3-D transposed convolution of N I D H W, with gradients of x and weight; see
    /// [`tilewright_tensor::Tensor::conv_transpose3d`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::conv_transpose3d`].
    pub fn conv_transpose3d(&self, weight: &Self, op: &ConvTranspose3d) -> Result<Self, Error> {
        conv_transpose3d::conv_transpose3d(self, weight, op)
    }
}
