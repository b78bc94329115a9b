//! Convolution over three axes.

use tilewright_tensor::composite::{Conv3d, conv3d};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// 3-D convolution of N C D H W, with gradients of x, weight and bias; see [`tilewright_tensor::Tensor::conv3d`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::conv3d`].
    pub fn conv3d(&self, weight: &Self, bias: Option<&Self>, op: &Conv3d) -> Result<Self, Error> {
        conv3d::conv3d(self, weight, bias, op)
    }
}
