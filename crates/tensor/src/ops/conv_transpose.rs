//! Transposed convolution, by the kernels of a convolution's gradient: it is the same map.

use tilewright_ops::{ConvTranspose2d, Op, ShapeError};

use crate::{error::Result, tensor::Tensor};

impl Tensor {
    /// The transposed convolution of N I H W by a weight I (O/groups) KH KW, with a bias of one number for each output
    /// channel: N O OH OW, channels-last.
    ///
    /// # Errors
    /// Those of [`ConvTranspose2d::output_shape`].
    pub fn conv_transpose2d(&self, weight: &Self, bias: Option<&Self>, op: &ConvTranspose2d) -> Result<Self> {
        let y = Self::run_one(&Op::ConvTranspose2d(*op), &[self, weight])?;
        let Some(bias) = bias else { return Ok(y) };
        let expected = vec![y.shape()[1]];
        if bias.shape() != expected {
            let (op, operand, shape) = ("conv_transpose2d", "bias", bias.shape().to_vec());
            return Err(ShapeError::Operand { op, operand, shape, expected }.into());
        }
        y.add(&bias.reshape(&[-1, 1, 1])?)
    }
}
