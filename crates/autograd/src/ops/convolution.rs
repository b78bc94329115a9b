//! Convolution.

use tilewright_ops::{Conv2d, ConvTranspose2d, Op, ShapeError};

use crate::{error::Result, var::Var};

impl Var {
    /// 2-D convolution of N C H W by O I H W, with a bias of one number per output channel. Saves input and weight.
    pub fn conv2d(&self, weight: &Self, bias: Option<&Self>, op: &Conv2d) -> Result<Self> {
        let inputs: Vec<_> = [self, weight].into_iter().chain(bias).collect();
        let op = Op::Conv2d { op: *op, bias: bias.is_some(), residual: false, activation: None, pool: None };
        Self::run_one(&op, &inputs)
    }

    /// Transposed convolution of N I H W by I (O/groups) KH KW. Saves input and weight.
    pub fn conv_transpose2d(&self, weight: &Self, bias: Option<&Self>, op: &ConvTranspose2d) -> Result<Self> {
        let y = Self::run_one(&Op::ConvTranspose2d(*op), &[self, weight])?;
        let Some(bias) = bias else { return Ok(y) };
        // One number for each channel, and not one that broadcasts.
        let expected = vec![y.shape()[1]];
        if bias.shape() != expected {
            let (op, operand, shape) = ("conv_transpose2d", "bias", bias.shape().to_vec());
            return Err(ShapeError::Operand { op, operand, shape, expected }.into());
        }
        y.add(&bias.reshape(&[-1, 1, 1])?)
    }

    /// The windows of N C H W as columns: PyTorch's `unfold`. Saves nothing.
    pub fn im2col(&self, op: &Conv2d, kernel: [usize; 2]) -> Result<Self> {
        Self::run_one(&Op::Im2col { op: *op, kernel }, &[self])
    }
}
