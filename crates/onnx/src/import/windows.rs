//! Windows taken apart: columns put back, and windows whose taps are moved.

use tilewright_ops::{Conv2d, SliceRange};
use tilewright_tensor::Tensor;
use tilewright_tensor::composite::grid_sample::sampled;
use tilewright_tensor::composite::{GridSample, Outside, Sampling};

use super::node::{Ctx, signed};
use super::value::Value;
use crate::error::Result;
use crate::params::operands::Operands;
use crate::params::window;

/// Extents that must be known at import.
fn extents(ctx: &Ctx, index: usize) -> Result<Vec<usize>> {
    let given = ctx.integers("", index)?.ok_or_else(|| ctx.wrong(format!("operand {index} is missing")))?;
    let extents: Option<Vec<usize>> =
        given.iter().map(|&extent| usize::try_from(extent).ok().filter(|&extent| extent > 0)).collect();
    extents.ok_or_else(|| ctx.wrong(format!("operand {index} is {given:?} and must be positive")))
}

/// Every column added to the window that it came from: N C·K L to N C and the extents of the second operand.
pub(super) fn col2im(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    let (image, block) = (extents(ctx, 1)?, extents(ctx, 2)?);
    let axes = image.len();
    let taps: usize = block.iter().product();
    let (&[n, columns, length], true) = (x.shape(), block.len() == axes && axes > 0) else {
        return Err(ctx.wrong(format!("columns of {:?} for an image of {image:?}", x.shape())));
    };
    let (strides, dilations) =
        (window::per_axis(ctx, "strides", axes)?, window::per_axis(ctx, "dilations", axes)?);
    let pads = window::given_pads(ctx, axes)?;
    let mut windows = Vec::with_capacity(axes);
    let mut padded = Vec::with_capacity(axes);
    for axis in 0..axes {
        let whole = image[axis].saturating_add(pads[axis][0]).saturating_add(pads[axis][1]);
        let span = dilations[axis].saturating_mul(block[axis] - 1).saturating_add(1);
        let count = whole.checked_sub(span).map(|free| free / strides[axis] + 1);
        windows.push(count.ok_or_else(|| ctx.wrong(format!("a block of {block:?} in {image:?}")))?);
        padded.push(whole);
    }
    if columns == 0 || !columns.is_multiple_of(taps) || windows.iter().product::<usize>() != length {
        return Err(
            ctx.wrong(format!("columns of {:?} for {windows:?} windows of {block:?} elements", x.shape()))
        );
    }
    let channels = columns / taps;
    // The last two axes have a kernel; those before are summed tap by tap.
    let outer = axes.saturating_sub(2);
    let inner: Vec<usize> = (outer..axes).collect();
    let two = |values: &[usize], added: usize| match inner[..] {
        [row, column] => [values[row], values[column]],
        [column] => [added, values[column]],
        _ => [added, added],
    };
    let op = Conv2d { stride: two(&strides, 1), dilation: two(&dilations, 1), ..Conv2d::default() };
    let (kernel, plane) = (two(&block, 1), two(&padded, 1));
    let outer_taps: usize = block[..outer].iter().product();
    let outer_windows: usize = windows[..outer].iter().product();
    let (inner_taps, inner_windows) = (taps / outer_taps.max(1), length / outer_windows.max(1));
    // N C (outer taps) (inner taps) (outer windows) (inner windows).
    let split = x.reshape(&signed(&[n, channels, outer_taps, inner_taps, outer_windows, inner_windows]))?;
    let mut sum: Option<Tensor> = None;
    for tap in 0..outer_taps {
        let mut ranges: Vec<_> = split.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
        ranges[2] = SliceRange::new(tap, tap + 1);
        // (N outer windows C) (inner taps) (inner windows).
        let part = split.slice(&ranges)?.reshape(&signed(&[
            n,
            channels,
            inner_taps,
            outer_windows,
            inner_windows,
        ]))?;
        let part = part.permute(&[0, 3, 1, 2, 4])?;
        let count = n * outer_windows;
        let part = part.reshape(&signed(&[count, channels * inner_taps, inner_windows]))?;
        let part = part.col2im(&op, kernel, &[count, channels, plane[0], plane[1]])?;
        let mut shape = vec![n];
        shape.extend(&windows[..outer]);
        shape.extend([channels, plane[0], plane[1]]);
        let mut part = part.reshape(&signed(&shape))?;
        let mut rest = tap;
        for axis in (0..outer).rev() {
            let before = rest % block[axis] * dilations[axis];
            rest /= block[axis];
            part = spread(&part, axis + 1, strides[axis], before, padded[axis])?;
        }
        sum = Some(match sum {
            Some(sum) => sum.add(&part)?,
            None => part,
        });
    }
    let sum = sum.ok_or_else(|| ctx.wrong("its block is empty"))?;
    // N C and the axes, without the padding.
    let mut order = vec![0, outer + 1];
    order.extend(1..=outer);
    order.extend([outer + 2, outer + 3]);
    let y = sum.permute(&order)?;
    let mut shape = vec![n, channels];
    shape.extend(&padded);
    let y = y.reshape(&signed(&shape))?;
    let mut ranges = vec![SliceRange::full(n), SliceRange::full(channels)];
    ranges.extend((0..axes).map(|axis| SliceRange::new(pads[axis][0], pads[axis][0] + image[axis])));
    let whole = pads.iter().all(|&pad| pad == [0, 0]);
    ctx.like_first([if whole { y } else { y.slice(&ranges)? }])
}

/// The planes of an axis `step` apart, `before` behind the beginning of `whole` of them, with zeros between.
fn spread(x: &Tensor, axis: usize, step: usize, before: usize, whole: usize) -> Result<Tensor> {
    let count = x.shape()[axis];
    let mut shape = x.shape().to_vec();
    shape.insert(axis + 1, 1);
    let mut border = vec![(0, 0); shape.len()];
    border[axis + 1] = (0, step - 1);
    let y = x.reshape(&signed(&shape))?.pad(&border, 0.0)?;
    let mut shape = x.shape().to_vec();
    shape[axis] = count * step;
    let y = y.reshape(&signed(&shape))?;
    let mut ranges: Vec<_> = shape.iter().map(|&extent| SliceRange::full(extent)).collect();
    let used = (count - 1) * step + 1;
    ranges[axis] = SliceRange::new(0, used);
    let mut border = vec![(0, 0); shape.len()];
    border[axis] = (before, whole - before - used);
    Ok(y.slice(&ranges)?.pad(&border, 0.0)?)
}

/// Convolution whose taps are moved by offsets that are computed, and weighted by a mask (Dai et al., arXiv 1703.06211; Zhu
/// et al., arXiv 1811.11168): the elements under the taps as columns, and a product with the weight.
pub(super) fn deform_conv(ctx: &Ctx) -> Result<Vec<Value>> {
    let (x, weight, offset) = (ctx.float(0)?, ctx.float(1)?, ctx.float(2)?);
    let attributes = &ctx.node.attributes;
    let (&[n, c, _, _], &[o, per_group, kh, kw]) = (x.shape(), weight.shape()) else {
        return Err(ctx.unsupported(format!(
            "an operand of shape {:?} and a weight of shape {:?}, which are not over two axes,",
            x.shape(),
            weight.shape()
        )));
    };
    let window = window::window(ctx, x.shape(), Some(&[kh, kw]))?;
    let number = |name: &str| -> Result<usize> {
        let given = attributes.int(name, 1)?;
        let positive = usize::try_from(given).ok().filter(|&given| given > 0);
        positive.ok_or_else(|| attributes.wrong(name, format!("is {given} and must be positive")))
    };
    let (groups, moved) = (number("group")?, number("offset_group")?);
    let taps = kh * kw;
    let (&[_, _, oh, ow], true) =
        (offset.shape(), c == per_group * groups && c % moved == 0 && o % groups == 0)
    else {
        return Err(ctx.wrong(format!("{c} channels, a weight of {:?} and {groups} groups", weight.shape())));
    };
    let points = oh * ow;
    if offset.shape() != [n, moved * taps * 2, oh, ow] {
        return Err(ctx.wrong(format!("offsets of shape {:?}", offset.shape())));
    }
    // Where each tap is without an offset: rows and columns, tap by tap.
    let base = |axis: usize| -> Vec<f32> {
        let mut places = Vec::with_capacity(taps * points);
        for tap in 0..taps {
            for point in 0..points {
                let (tap, point) = if axis == 0 { (tap / kw, point / ow) } else { (tap % kw, point % ow) };
                let place = point * window.strides[axis] + tap * window.dilations[axis];
                places.push(place as f32 - window.pads[axis][0] as f32);
            }
        }
        places
    };
    let bases = [base(0), base(1)];
    let op = GridSample { sampling: Sampling::Linear, outside: Outside::Zeros, align_corners: false };
    let part = |tensor: &Tensor, axis: usize, start: usize, end: usize| -> Result<Tensor> {
        let mut ranges: Vec<_> = tensor.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
        ranges[axis] = SliceRange::new(start, end);
        Ok(tensor.slice(&ranges)?)
    };
    let each = c / moved;
    let mut columns = Vec::with_capacity(moved);
    for group in 0..moved {
        let own = part(&offset, 1, group * taps * 2, (group + 1) * taps * 2)?;
        let own = own.reshape(&signed(&[n, taps, 2, points]))?;
        let mut places = Vec::with_capacity(2);
        for (axis, base) in bases.iter().enumerate() {
            let moved = part(&own, 2, axis, axis + 1)?.reshape(&signed(&[n, taps * points]))?;
            places.push(moved.add(&ctx.tensor(base, &[1, taps * points])?)?);
        }
        let channels = part(&x, 1, group * each, (group + 1) * each)?;
        // N (taps points) C.
        let mut values = sampled(&channels, &places, &op)?;
        if ctx.has(4) {
            let mask = part(&ctx.float(4)?, 1, group * taps, (group + 1) * taps)?;
            values = values.mul(&mask.reshape(&signed(&[n, taps * points, 1]))?)?;
        }
        columns.push(values.permute(&[0, 2, 1])?.reshape(&signed(&[n, each, taps * points]))?);
    }
    let columns = if let [one] = &columns[..] {
        one.clone()
    } else {
        Tensor::concat(&columns.iter().collect::<Vec<_>>(), 1)?
    };
    let columns = columns.reshape(&signed(&[n, groups, per_group * taps, points]))?;
    let weight = weight.reshape(&signed(&[1, groups, o / groups, per_group * taps]))?;
    let y = weight.matmul(&columns)?.reshape(&signed(&[n, o, oh, ow]))?;
    ctx.like_first([match ctx.optional(3)? {
        Some(bias) => y.add(&bias.reshape(&[-1, 1, 1])?)?,
        None => y,
    }])
}
