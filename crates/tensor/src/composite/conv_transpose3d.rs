//! Transposed convolution over three axes.

use tilewright_ops::{ConvTranspose2d, ShapeError, SliceRange};

use crate::error::Result;
use crate::tensor::Tensor;

const OP: &str = "conv_transpose3d";

/// Parameters of a transposed convolution over depth, height and width, without padding: cut the result for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTranspose3d {
    /// Step between windows.
    pub stride: [usize; 3],
    /// Distance between taps.
    pub dilation: [usize; 3],
    /// Groups of channels that do not meet.
    pub groups: usize,
}

impl Default for ConvTranspose3d {
    fn default() -> Self {
        Self { stride: [1; 3], dilation: [1; 3], groups: 1 }
    }
}

impl Tensor {
    /// The transposed convolution of N I D H W by I O/groups KD KH KW, all of it: `torch.nn.functional.conv_transpose3d`
    /// without padding. It is a sum over the kernel's depth of 2-D transposed convolutions, each moved to its planes.
    ///
    /// # Errors
    /// [`ShapeError::Rank`], [`ShapeError::Parameter`]; those of [`Tensor::conv_transpose2d`].
    pub fn conv_transpose3d(&self, weight: &Self, op: &ConvTranspose3d) -> Result<Self> {
        let rank = |operand, shape: &[usize], expected| ShapeError::Rank {
            op: OP,
            operand,
            shape: shape.to_vec(),
            expected,
        };
        let &[n, c, depth, height, width] = self.shape() else {
            return Err(rank("x", self.shape(), "five (N C D H W)").into());
        };
        let &[inner, outer, kd, kh, kw] = weight.shape() else {
            return Err(rank("weight", weight.shape(), "five (I O D H W)").into());
        };
        let (stride, dilation) = (op.stride[0], op.dilation[0]);
        if depth == 0 || kd == 0 || stride == 0 || dilation == 0 {
            let hint = "depth, kernel, stride and dilation must be positive";
            let value = format!("{depth}, {kd}, {stride}, {dilation}");
            return Err(ShapeError::Parameter { op: OP, parameter: "depths", value, hint }.into());
        }
        let signed = |shape: &[usize]| shape.iter().map(|&extent| extent as isize).collect::<Vec<_>>();
        let planes = self.permute(&[0, 2, 1, 3, 4])?.reshape(&signed(&[n * depth, c, height, width]))?;
        let plane_op = ConvTranspose2d {
            stride: [op.stride[1], op.stride[2]],
            dilation: [op.dilation[1], op.dilation[2]],
            groups: op.groups,
            ..ConvTranspose2d::default()
        };
        let whole = (depth - 1) * stride + (kd - 1) * dilation + 1;
        let mut sum: Option<Self> = None;
        for k in 0..kd {
            let mut ranges: Vec<_> = weight.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
            ranges[2] = SliceRange::new(k, k + 1);
            let plane = weight.slice(&ranges)?.reshape(&signed(&[inner, outer, kh, kw]))?;
            let part = planes.conv_transpose2d(&plane, None, &plane_op)?;
            let &[_, o, oh, ow] = part.shape() else { return Err(rank("y", part.shape(), "four").into()) };
            // Between the planes lie stride − 1 of zeros.
            let part = part.reshape(&signed(&[n, depth, 1, o, oh, ow]))?;
            let none = (0, 0);
            let part = part.pad(&[none, none, (0, stride - 1), none, none, none], 0.0)?;
            let part = part.reshape(&signed(&[n, depth * stride, o, oh, ow]))?;
            let taken = [n, (depth - 1) * stride + 1, o, oh, ow].map(SliceRange::full);
            let before = k * dilation;
            let behind = whole - before - ((depth - 1) * stride + 1);
            let part = part.slice(&taken)?.pad(&[none, (before, behind), none, none, none], 0.0)?;
            sum = Some(match sum {
                Some(sum) => sum.add(&part)?,
                None => part,
            });
        }
        let sum = sum.ok_or(ShapeError::NoOperands { op: OP })?;
        sum.permute(&[0, 2, 1, 3, 4])
    }
}
