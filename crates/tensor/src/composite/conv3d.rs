//! Convolution over three axes.

use tilewright_ops::{Conv2d, SliceRange};

use super::operand::{Operand, operand, parameter, rank};
use crate::error::Error;
use crate::tensor::Tensor;

const OP: &str = "conv3d";

/// Parameters of a convolution over depth, height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv3d {
    /// Step between windows.
    pub stride: [usize; 3],
    /// Zeros before and behind.
    pub padding: [(usize, usize); 3],
    /// Distance between taps.
    pub dilation: [usize; 3],
    /// Groups of channels that do not meet.
    pub groups: usize,
}

impl Default for Conv3d {
    fn default() -> Self {
        Self { stride: [1; 3], padding: [(0, 0); 3], dilation: [1; 3], groups: 1 }
    }
}

/// The convolution of N C D H W by O I KD KH KW as a sum over the kernel's depth: each plane of the kernel convolves the
/// planes of the operand that it meets.
pub fn conv3d<V: Operand>(x: &V, weight: &V, bias: Option<&V>, op: &Conv3d) -> Result<V, V::Error> {
    let &[o, per_group, kd, kh, kw] = weight.shape() else {
        return Err(rank::<V>(OP, "weight", weight.shape(), "five (O I D H W)"));
    };
    let x = padded(OP, x, op.padding, 0.0)?;
    let &[n, c, depth, height, width] = x.shape() else {
        return Err(rank::<V>(OP, "x", x.shape(), "five (N C D H W)"));
    };
    let (stride, dilation) = (op.stride[0], op.dilation[0]);
    if stride == 0 || dilation == 0 {
        return Err(parameter::<V>(OP, "stride and dilation", 0, "they must be positive"));
    }
    let span = dilation.saturating_mul(kd.saturating_sub(1)).saturating_add(1);
    let planes = depth.checked_sub(span).filter(|_| kd > 0).map(|free| free / stride + 1);
    let planes = planes.ok_or_else(|| {
        parameter::<V>(OP, "kernel depth", kd, "it must be positive and fit the padded depth")
    })?;
    let plane_op = Conv2d {
        stride: [op.stride[1], op.stride[2]],
        dilation: [op.dilation[1], op.dilation[2]],
        padding: [0, 0],
        groups: op.groups,
    };
    let full = |shape: &[usize]| shape.iter().map(|&extent| SliceRange::full(extent)).collect::<Vec<_>>();
    let mut sum: Option<V> = None;
    for k in 0..kd {
        let start = k * dilation;
        let mut ranges = full(x.shape());
        ranges[2] = SliceRange { start, end: start + (planes - 1) * stride + 1, step: stride };
        let met = x.slice(&ranges)?.permute(&[0, 2, 1, 3, 4])?.with_shape(&[n * planes, c, height, width])?;
        let mut ranges = full(weight.shape());
        ranges[2] = SliceRange::new(k, k + 1);
        let plane = weight.slice(&ranges)?.with_shape(&[o, per_group, kh, kw])?;
        let part = met.conv2d(&plane, None, &plane_op)?;
        sum = Some(match sum {
            Some(sum) => sum.add(&part)?,
            None => part,
        });
    }
    let sum = sum.ok_or_else(|| parameter::<V>(OP, "kernel depth", kd, "it must be positive"))?;
    let &[_, _, oh, ow] = sum.shape() else { return Err(rank::<V>(OP, "y", sum.shape(), "four")) };
    let y = sum.with_shape(&[n, planes, o, oh, ow])?.permute(&[0, 2, 1, 3, 4])?;
    let Some(bias) = bias else { return Ok(y) };
    if bias.shape() != [o] {
        return Err(operand::<V>(OP, "bias", bias.shape(), &[o]));
    }
    y.add(&bias.with_shape(&[o, 1, 1, 1])?)
}

/// N C D H W with a border around the last three axes.
pub(super) fn padded<V: Operand>(
    op: &'static str,
    x: &V,
    padding: [(usize, usize); 3],
    value: f32,
) -> Result<V, V::Error> {
    if x.shape().len() != 5 {
        return Err(rank::<V>(op, "x", x.shape(), "five (N C D H W)"));
    }
    if padding == [(0, 0); 3] {
        return Ok(x.clone());
    }
    x.pad(&[&[(0, 0), (0, 0)], &padding[..]].concat(), value)
}

impl Tensor {
    /// 3-D convolution of N C D H W by O I/groups KD KH KW, with a bias of one number per output channel:
    /// `torch.nn.functional.conv3d`. It is a sum of 2-D convolutions over the kernel's depth.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`], [`tilewright_ops::ShapeError::Parameter`],
    /// [`tilewright_ops::ShapeError::Operand`]; those of [`Tensor::conv2d`].
    pub fn conv3d(&self, weight: &Self, bias: Option<&Self>, op: &Conv3d) -> Result<Self, Error> {
        conv3d(self, weight, bias, op)
    }
}
