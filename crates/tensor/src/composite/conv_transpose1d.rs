//! Transposed convolution over one axis.

use tilewright_ops::{ConvTranspose2d, Op};

use super::line::{line, row};
use super::operand::{Operand, operand};
use crate::error::Error;
use crate::tensor::Tensor;

const OP: &str = "conv_transpose1d";

/// Parameters of a transposed convolution over one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTranspose1d {
    /// Distance of neighbouring inputs' windows in the output.
    pub stride: usize,
    /// What is cut off each end of the output.
    pub padding: usize,
    /// Elements more at the end of the output, fewer than the stride.
    pub output_padding: usize,
    /// Distance between taps.
    pub dilation: usize,
    /// Groups of channels that do not meet.
    pub groups: usize,
}

impl Default for ConvTranspose1d {
    fn default() -> Self {
        Self { stride: 1, padding: 0, output_padding: 0, dilation: 1, groups: 1 }
    }
}

/// The transposed convolution of N I L by I O/groups K, as that of an image of one row.
pub fn conv_transpose1d<V: Operand>(
    x: &V,
    weight: &V,
    bias: Option<&V>,
    op: &ConvTranspose1d,
) -> Result<V, V::Error> {
    let image = ConvTranspose2d {
        stride: [1, op.stride],
        padding: [0, op.padding],
        output_padding: [0, op.output_padding],
        dilation: [1, op.dilation],
        groups: op.groups,
    };
    let image = Op::ConvTranspose2d(image);
    let y = V::apply_one(&image, &[&row(OP, "x", x)?, &row(OP, "weight", weight)?])?;
    let y = line(OP, &y)?;
    let Some(bias) = bias else { return Ok(y) };
    if bias.shape() != [y.shape()[1]] {
        return Err(operand::<V>(OP, "bias", bias.shape(), &y.shape()[1..2]));
    }
    y.add(&bias.reshape(&[-1, 1])?)
}

impl Tensor {
    /// 1-D transposed convolution of N I L by I O/groups K, with a bias of one number per output channel:
    /// `torch.nn.functional.conv_transpose1d`. It is [`Tensor::conv_transpose2d`] of an image of one row.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`] unless x and weight have three axes; those of [`Tensor::conv_transpose2d`].
    pub fn conv_transpose1d(
        &self,
        weight: &Self,
        bias: Option<&Self>,
        op: &ConvTranspose1d,
    ) -> Result<Self, Error> {
        conv_transpose1d(self, weight, bias, op)
    }
}
