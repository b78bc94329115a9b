//! Transposed convolution over three axes.

use tilewright_ops::{ConvTranspose2d, Op, ShapeError, SliceRange};

use super::operand::{Operand, fails, parameter, rank};
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

/// The transposed convolution of N I D H W by I O/groups KD KH KW, all of it: a sum over the kernel's depth of 2-D ones, each
/// moved to its planes.
pub fn conv_transpose3d<V: Operand>(x: &V, weight: &V, op: &ConvTranspose3d) -> Result<V, V::Error> {
    let &[n, c, depth, height, width] = x.shape() else {
        return Err(rank::<V>(OP, "x", x.shape(), "five (N C D H W)"));
    };
    let &[inner, outer, kd, kh, kw] = weight.shape() else {
        return Err(rank::<V>(OP, "weight", weight.shape(), "five (I O D H W)"));
    };
    let (stride, dilation) = (op.stride[0], op.dilation[0]);
    if depth == 0 || kd == 0 || stride == 0 || dilation == 0 {
        let hint = "depth, kernel, stride and dilation must be positive";
        let value = format!("{depth}, {kd}, {stride}, {dilation}");
        return Err(parameter::<V>(OP, "depths", value, hint));
    }
    let planes = x.permute(&[0, 2, 1, 3, 4])?.with_shape(&[n * depth, c, height, width])?;
    let plane_op = Op::ConvTranspose2d(ConvTranspose2d {
        stride: [op.stride[1], op.stride[2]],
        dilation: [op.dilation[1], op.dilation[2]],
        groups: op.groups,
        ..ConvTranspose2d::default()
    });
    let too_many = || fails::<V>(ShapeError::TooManyElements { op: OP, shape: x.shape().to_vec() });
    let reach = (depth - 1).checked_mul(stride).and_then(|reach| reach.checked_add(1));
    let whole = (kd - 1).checked_mul(dilation).and_then(|span| span.checked_add(reach?));
    let (Some(reach), Some(whole)) = (reach, whole) else { return Err(too_many()) };
    let mut sum: Option<V> = None;
    for k in 0..kd {
        let mut ranges: Vec<_> = weight.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
        ranges[2] = SliceRange::new(k, k + 1);
        let plane = weight.slice(&ranges)?.with_shape(&[inner, outer, kh, kw])?;
        let part = V::apply_one(&plane_op, &[&planes, &plane])?;
        let &[_, o, oh, ow] = part.shape() else { return Err(rank::<V>(OP, "y", part.shape(), "four")) };
        // Between the planes lie stride − 1 of zeros.
        let part = part.with_shape(&[n, depth, 1, o, oh, ow])?;
        let none = (0, 0);
        let part = part.pad(&[none, none, (0, stride - 1), none, none, none], 0.0)?;
        let part = part.with_shape(&[n, depth * stride, o, oh, ow])?;
        let taken = [n, reach, o, oh, ow].map(SliceRange::full);
        let before = k * dilation;
        let part =
            part.slice(&taken)?.pad(&[none, (before, whole - before - reach), none, none, none], 0.0)?;
        sum = Some(match sum {
            Some(sum) => sum.add(&part)?,
            None => part,
        });
    }
    let sum = sum.ok_or_else(|| fails::<V>(ShapeError::NoOperands { op: OP }))?;
    sum.permute(&[0, 2, 1, 3, 4])
}

impl Tensor {
    /// The transposed convolution of N I D H W by I O/groups KD KH KW, all of it: `torch.nn.functional.conv_transpose3d`
    /// without padding. It is a sum over the kernel's depth of 2-D transposed convolutions, each moved to its planes.
    ///
    /// # Errors
    /// [`ShapeError::Rank`], [`ShapeError::Parameter`]; those of [`Tensor::conv_transpose2d`].
    pub fn conv_transpose3d(&self, weight: &Self, op: &ConvTranspose3d) -> Result<Self> {
        conv_transpose3d(self, weight, op)
    }
}
