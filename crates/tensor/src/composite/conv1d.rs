//! Convolution over one axis.

use tilewright_ops::Conv2d;

use super::line::{line, row};
use super::operand::Operand;
use crate::error::Error;
use crate::tensor::Tensor;

const OP: &str = "conv1d";

/// Parameters of a convolution over one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv1d {
    /// Step between windows.
    pub stride: usize,
    /// Zeros before and behind.
    pub padding: usize,
    /// Distance between taps.
    pub dilation: usize,
    /// Groups of channels that do not meet.
    pub groups: usize,
}

impl Default for Conv1d {
    fn default() -> Self {
        Self { stride: 1, padding: 0, dilation: 1, groups: 1 }
    }
}

/// The convolution of N C L by O I K, as that of an image of one row.
pub fn conv1d<V: Operand>(x: &V, weight: &V, bias: Option<&V>, op: &Conv1d) -> Result<V, V::Error> {
    let image = Conv2d {
        stride: [1, op.stride],
        padding: [0, op.padding],
        dilation: [1, op.dilation],
        groups: op.groups,
    };
    let y = row(OP, "x", x)?.conv2d(&row(OP, "weight", weight)?, bias, &image)?;
    line(OP, &y)
}

impl Tensor {
    /// 1-D convolution of N C L by O C/groups K, with a bias of one number per output channel:
    /// `torch.nn.functional.conv1d`. It is [`Tensor::conv2d`] of an image of one row.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`] unless x and weight have three axes; those of [`Tensor::conv2d`].
    pub fn conv1d(&self, weight: &Self, bias: Option<&Self>, op: &Conv1d) -> Result<Self, Error> {
        conv1d(self, weight, bias, op)
    }
}
