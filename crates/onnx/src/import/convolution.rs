//! Convolution and transposed convolution over one to three axes.

use tilewright_ops::{Conv2d, ConvTranspose2d, SliceRange};
use tilewright_tensor::Tensor;
use tilewright_tensor::composite::{Conv3d, ConvTranspose3d};

use super::node::{Ctx, signed};
use super::value::Value;
use crate::error::Result;
use crate::params::window::{self, AutoPad, Window};

/// A tensor N C L as N C 1 L, so that two axes serve for one.
pub(super) fn two_axes(ctx: &Ctx, x: &Tensor) -> Result<Tensor> {
    match *x.shape() {
        [_, _, _, _] => Ok(x.clone()),
        [n, c, l] => Ok(x.reshape(&signed(&[n, c, 1, l]))?),
        _ => Err(ctx.unsupported(format!(
            "an operand of shape {:?}, which slides over {} axes",
            x.shape(),
            x.rank().saturating_sub(2)
        ))),
    }
}

/// Back to as many axes as the operand had.
pub(super) fn own_axes(y: Tensor, rank: usize) -> Result<Tensor> {
    match (rank, y.shape()) {
        (3, &[n, c, 1, l]) => Ok(y.reshape(&signed(&[n, c, l]))?),
        _ => Ok(y),
    }
}

/// Two numbers of a window, 1 (or no padding) for the axis that was added.
pub(super) fn pair<T: Copy>(values: &[T], added: T) -> [T; 2] {
    match *values {
        [first, second] => [first, second],
        [only] => [added, only],
        _ => [added; 2],
    }
}

/// Three numbers of a window.
pub(super) fn three<T: Copy>(ctx: &Ctx, values: &[T]) -> Result<[T; 3]> {
    values.try_into().map_err(|_| ctx.wrong(format!("a window over {} axes and not three", values.len())))
}

/// A window's padding as the engine's operations take it, alike on both sides; what is more is added to the operand.
pub(super) fn padded(x: Tensor, pads: [[usize; 2]; 2], value: f32) -> Result<(Tensor, [usize; 2])> {
    if pads.iter().all(|[before, behind]| before == behind) {
        return Ok((x, [pads[0][0], pads[1][0]]));
    }
    let border = [(0, 0), (0, 0), pads[0].into(), pads[1].into()];
    Ok((x.pad(&border, value)?, [0, 0]))
}

pub(super) fn groups(ctx: &Ctx) -> Result<usize> {
    let groups = ctx.node.attributes.int("group", 1)?;
    usize::try_from(groups).map_err(|_| ctx.node.attributes.wrong("group", format!("is {groups}")))
}

pub(super) fn conv(ctx: &Ctx) -> Result<Vec<Value>> {
    ctx.like_first([conv_tensor(ctx)?])
}

/// The convolution of the first three operands.
pub(super) fn conv_tensor(ctx: &Ctx) -> Result<Tensor> {
    let (x, weight) = (ctx.float(0)?, ctx.float(1)?);
    let kernel = weight.shape().get(2..).unwrap_or(&[]);
    let window = window::window(ctx, x.shape(), Some(kernel))?;
    let (rank, bias) = (x.rank(), ctx.optional(2)?);
    if rank == 5 {
        let op = Conv3d {
            stride: three(ctx, &window.strides)?,
            padding: three(ctx, &window.pads)?.map(Into::into),
            dilation: three(ctx, &window.dilations)?,
            groups: groups(ctx)?,
        };
        return Ok(x.conv3d(&weight, bias.as_ref(), &op)?);
    }
    let Window { strides, dilations, pads, .. } = window;
    let (x, weight) = (two_axes(ctx, &x)?, two_axes(ctx, &weight)?);
    let (x, padding) = padded(x, pair(&pads, [0, 0]), 0.0)?;
    let op =
        Conv2d { stride: pair(&strides, 1), padding, dilation: pair(&dilations, 1), groups: groups(ctx)? };
    own_axes(x.conv2d(&weight, bias.as_ref(), &op)?, rank)
}

pub(super) fn conv_transpose(ctx: &Ctx) -> Result<Vec<Value>> {
    let (x, weight) = (ctx.float(0)?, ctx.float(1)?);
    let (rank, bias) = (x.rank(), ctx.optional(2)?);
    let spatial = x.shape().get(2..).unwrap_or(&[]).to_vec();
    let kernel = weight.shape().get(2..).unwrap_or(&[]).to_vec();
    if kernel.len() != spatial.len() {
        let reason =
            format!("a weight of shape {:?} for an operand of shape {:?}", weight.shape(), x.shape());
        return Err(ctx.wrong(reason));
    }
    let axes = spatial.len();
    let (strides, dilations) =
        (window::per_axis(ctx, "strides", axes)?, window::per_axis(ctx, "dilations", axes)?);
    let extra = match ctx.node.attributes.ints("output_padding")? {
        None => vec![0; axes],
        Some(given) => {
            let values: Option<Vec<usize>> = given.iter().map(|&value| usize::try_from(value).ok()).collect();
            values.filter(|values| values.len() == axes).ok_or_else(|| {
                ctx.node.attributes.wrong("output_padding", format!("is {given:?} for {axes} axes"))
            })?
        }
    };
    let mode = window::auto_pad(ctx)?;
    let given = window::given_pads(ctx, axes)?;
    let sizes = ctx.node.attributes.ints("output_shape")?.map(|sizes| {
        // Some exporters name all axes.
        sizes[sizes.len().saturating_sub(axes)..].to_vec()
    });
    // For each axis what the windows cover, and which part of that is the result.
    let mut parts = Vec::with_capacity(axes);
    for axis in 0..axes {
        let whole = spatial[axis]
            .saturating_sub(1)
            .saturating_mul(strides[axis])
            .saturating_add(dilations[axis].saturating_mul(kernel[axis].saturating_sub(1)))
            .saturating_add(1);
        let natural = whole.saturating_add(extra[axis]);
        let wanted = match (&sizes, mode) {
            (Some(sizes), _) => {
                sizes.get(axis).and_then(|&size| usize::try_from(size).ok()).ok_or_else(|| {
                    ctx.node.attributes.wrong("output_shape", format!("is {sizes:?} for {axes} axes"))
                })?
            }
            (None, AutoPad::SameUpper | AutoPad::SameLower) => spatial[axis].saturating_mul(strides[axis]),
            (None, AutoPad::Valid) => natural,
            (None, AutoPad::NotSet) => natural
                .checked_sub(given[axis][0].saturating_add(given[axis][1]))
                .ok_or_else(|| ctx.wrong(format!("pads {given:?} cut off all of an axis")))?,
        };
        let before = match (&sizes, mode) {
            (None, AutoPad::NotSet) => given[axis][0],
            (None, AutoPad::Valid) => 0,
            // The odd element goes behind for SAME_UPPER alone.
            (Some(_), _) | (None, AutoPad::SameUpper | AutoPad::SameLower) => {
                let total = natural.saturating_sub(wanted);
                if mode == AutoPad::SameUpper { total / 2 } else { total - total / 2 }
            }
        };
        parts.push((whole, before, wanted));
    }
    if axes == 3 {
        let op = ConvTranspose3d {
            stride: three(ctx, &strides)?,
            dilation: three(ctx, &dilations)?,
            groups: groups(ctx)?,
        };
        return ctx.like_first([cut(&x.conv_transpose3d(&weight, &op)?, &parts, bias.as_ref())?]);
    }
    let (x, weight) = (two_axes(ctx, &x)?, two_axes(ctx, &weight)?);
    let stride = pair(&strides, 1);
    let parts: [(usize, usize, usize); 2] = pair(&parts, (1, 0, 1));
    let op = ConvTranspose2d {
        stride,
        dilation: pair(&dilations, 1),
        groups: groups(ctx)?,
        ..ConvTranspose2d::default()
    };
    // Alike on both sides but for a few rows behind: the operation's own padding.
    let own = parts.iter().zip(stride).all(|(&(whole, before, wanted), stride)| {
        let behind = (whole as i128) - before as i128 - wanted as i128;
        (1 - stride as i128..=0).contains(&(behind - before as i128))
    });
    if own {
        let extra = |(whole, before, wanted): (usize, usize, usize)| wanted + 2 * before - whole;
        let padding = [parts[0].1, parts[1].1];
        let op = ConvTranspose2d { padding, output_padding: parts.map(extra), ..op };
        return ctx.like_first([own_axes(x.conv_transpose2d(&weight, bias.as_ref(), &op)?, rank)?]);
    }
    let y = cut(&x.conv_transpose2d(&weight, None, &op)?, &parts, bias.as_ref())?;
    ctx.like_first([own_axes(y, rank)?])
}

/// Of all that the windows cover the part that is the result, and the bias.
fn cut(y: &Tensor, parts: &[(usize, usize, usize)], bias: Option<&Tensor>) -> Result<Tensor> {
    let mut ranges = vec![SliceRange::full(y.shape()[0]), SliceRange::full(y.shape()[1])];
    let mut behind = vec![(0, 0), (0, 0)];
    for &(whole, before, wanted) in parts {
        let end = before.saturating_add(wanted);
        ranges.push(SliceRange::new(before.min(whole), end.min(whole)));
        behind.push((0, end.saturating_sub(whole)));
    }
    let y = y.slice(&ranges)?;
    let y = if behind.iter().any(|&(_, more)| more > 0) { y.pad(&behind, 0.0)? } else { y };
    let Some(bias) = bias else { return Ok(y) };
    let mut shape = vec![1; parts.len()];
    shape.insert(0, -1);
    Ok(y.add(&bias.reshape(&shape)?)?)
}
