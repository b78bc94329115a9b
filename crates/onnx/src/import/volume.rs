//! Convolution and pooling over three axes, taken apart into the engine's two.

use tilewright_ops::{Conv2d, Pool2d, SliceRange};
use tilewright_tensor::Tensor;

use super::node::{Ctx, signed};
use crate::error::Result;
use crate::params::window::Window;

/// The convolution of N C D H W as a sum over the kernel's depth: each plane of the kernel convolves the planes of the
/// operand that it meets.
pub(super) fn conv(ctx: &Ctx, x: &Tensor, weight: &Tensor, window: &Window, groups: usize) -> Result<Tensor> {
    let (&[n, c, _, _, _], &[o, per_group, kd, kh, kw]) = (x.shape(), weight.shape()) else {
        return Err(ctx.wrong(format!("a weight of shape {:?} for {:?}", weight.shape(), x.shape())));
    };
    let border: Vec<(usize, usize)> =
        [[0, 0], [0, 0]].iter().chain(&window.pads).map(|&[before, behind]| (before, behind)).collect();
    let x = if border.iter().any(|&pads| pads != (0, 0)) { x.pad(&border, 0.0)? } else { x.clone() };
    let [depth, height, width] = [x.shape()[2], x.shape()[3], x.shape()[4]];
    let (stride, dilation) = (window.strides[0], window.dilations[0]);
    let span = dilation.saturating_mul(kd.saturating_sub(1)).saturating_add(1);
    let planes = depth.checked_sub(span).map(|free| free / stride + 1);
    let planes = planes
        .filter(|_| kd > 0)
        .ok_or_else(|| ctx.wrong(format!("a kernel of depth {kd} does not fit a padded depth of {depth}")))?;
    let op = Conv2d {
        stride: [window.strides[1], window.strides[2]],
        dilation: [window.dilations[1], window.dilations[2]],
        padding: [0, 0],
        groups,
    };
    let mut sum: Option<Tensor> = None;
    for k in 0..kd {
        let start = k * dilation;
        let mut ranges: Vec<_> = x.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
        ranges[2] = SliceRange { start, end: start + (planes - 1) * stride + 1, step: stride };
        let met = x.slice(&ranges)?.permute(&[0, 2, 1, 3, 4])?;
        let met = met.reshape(&signed(&[n * planes, c, height, width]))?;
        let mut ranges: Vec<_> = weight.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
        ranges[2] = SliceRange::new(k, k + 1);
        let plane = weight.slice(&ranges)?.reshape(&signed(&[o, per_group, kh, kw]))?;
        let part = met.conv2d(&plane, None, &op)?;
        sum = Some(match sum {
            Some(sum) => sum.add(&part)?,
            None => part,
        });
    }
    let sum = sum.ok_or_else(|| ctx.wrong("a kernel without depth"))?;
    let [_, _, oh, ow] = sum.shape4("conv3d", "y")?;
    let y = sum.reshape(&signed(&[n, planes, o, oh, ow]))?.permute(&[0, 2, 1, 3, 4])?;
    Ok(y)
}

/// A pooling of N C D H W: over height and width, then over depth, which is the same for maxima and sums.
pub(super) fn pool(
    ctx: &Ctx,
    x: &Tensor,
    window: &Window,
    ceil_mode: bool,
    value: f32,
    step: impl Fn(&Tensor, &Pool2d) -> Result<Tensor>,
) -> Result<Tensor> {
    let border: Vec<(usize, usize)> =
        [[0, 0], [0, 0]].iter().chain(&window.pads).map(|&[before, behind]| (before, behind)).collect();
    let x = if border.iter().any(|&pads| pads != (0, 0)) { x.pad(&border, value)? } else { x.clone() };
    let &[n, c, d, h, w] = x.shape() else {
        return Err(ctx.wrong(format!("shape {:?} has not three spatial axes", x.shape())));
    };
    let part = |axes: [usize; 2], kernel: [usize; 2]| Pool2d {
        stride: axes.map(|axis| window.strides.get(axis).copied().unwrap_or(1)),
        dilation: axes.map(|axis| window.dilations.get(axis).copied().unwrap_or(1)),
        ceil_mode,
        ..Pool2d::new(kernel)
    };
    let planes = x.reshape(&signed(&[n, c * d, h, w]))?;
    let planes = step(&planes, &part([1, 2], [window.kernel[1], window.kernel[2]]))?;
    let [_, _, oh, ow] = planes.shape4("pool3d", "x")?;
    // The second axis has a window of 1.
    let columns = planes.reshape(&signed(&[n, c, d, oh * ow]))?;
    let columns = step(&columns, &part([0, 3], [window.kernel[0], 1]))?;
    let [_, _, od, _] = columns.shape4("pool3d", "y")?;
    Ok(columns.reshape(&signed(&[n, c, od, oh, ow]))?)
}
