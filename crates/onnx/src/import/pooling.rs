//! Poolings over windows, and over all of an image.

use std::rc::Rc;

use tilewright_ops::{BinaryOp, Op, Pool2d, Quantized, ReduceOp, ShapeError, UnaryOp};
use tilewright_tensor::composite::Pool3d;
use tilewright_tensor::{DType, Tensor};

use super::convolution::{own_axes, pair, three, two_axes};
use super::max_indices::MaxIndices;
use super::node::{Ctx, device, signed};
use super::value::Value;
use crate::element::ElementType;
use crate::error::{Error, Result};
use crate::limit::LIMIT;
use crate::params::window::{self, Window};

/// Padding before and behind height and width.
type Border = [(usize, usize); 2];

pub(super) struct Pool {
    pub(super) op: Pool2d,
    pads: [[usize; 2]; 2],
}

pub(super) fn pool(ctx: &Ctx, shape: &[usize]) -> Result<Pool> {
    let Window { kernel, strides, dilations, pads } = window::window(ctx, shape, None)?;
    let op = Pool2d {
        stride: pair(&strides, 1),
        dilation: pair(&dilations, 1),
        ceil_mode: ctx.node.attributes.flag("ceil_mode", false)?,
        ..Pool2d::new(pair(&kernel, 1))
    };
    Ok(Pool { op, pads: pair(&pads, [0, 0]) })
}

impl Pool {
    fn border(&self) -> Border {
        self.pads.map(Into::into)
    }

    /// With the padding, which is plain.
    pub(super) fn with_padding(&self) -> Pool2d {
        Pool2d { padding: self.pads.map(|[before, _]| before), ..self.op }
    }

    /// Whether the engine's pooling takes this padding: alike on both sides, at most half the kernel, and so that no
    /// dilated window falls between.
    pub(super) fn is_plain(&self, shape: &[usize]) -> bool {
        let alike = (0..2).all(|axis| {
            let [before, behind] = self.pads[axis];
            before == behind && before <= self.op.kernel[axis] / 2
        });
        let fits =
            |shape| !matches!(self.with_padding().output_shape(shape), Err(ShapeError::EmptyWindow { .. }));
        alike && shape.try_into().is_ok_and(fits)
    }
}

/// Integers of 8 bits are pooled as bytes, and where no such kernel does it, as f32, which has them all.
pub(super) fn max_pool(ctx: &Ctx) -> Result<Vec<Value>> {
    if !matches!(ctx.dtype(0)?, ElementType::U8 | ElementType::I8) {
        return max_pool_of(ctx, ctx.float(0)?);
    }
    let rank = ctx.shape(0)?.len();
    if !ctx.wants(1) && matches!(rank, 3 | 4) {
        let pool = pool(ctx, ctx.shape(0)?)?;
        let x = two_axes(ctx, &ctx.bytes(0)?)?;
        if pool.is_plain(x.shape()) {
            let op = Op::Quantized(Quantized::MaxPool2d(pool.with_padding()));
            return ctx.like_first([own_axes(Tensor::run_one(&op, &[&x])?, rank)?]);
        }
    }
    let mut results = max_pool_of(ctx, ctx.any(0)?.cast(DType::F32)?)?;
    if let Some(Value::Device { tensor, .. }) = results.first_mut() {
        *tensor = tensor.cast(DType::I32)?;
    }
    Ok(results)
}

fn max_pool_of(ctx: &Ctx, x: Tensor) -> Result<Vec<Value>> {
    if ctx.wants(1) {
        return max_pool_with_indices(ctx, &x);
    }
    if x.rank() == 5 {
        return ctx.like_first([x.max_pool3d(&pool3d(ctx, x.shape(), false)?)?]);
    }
    let (rank, pool) = (x.rank(), pool(ctx, x.shape())?);
    let x = two_axes(ctx, &x)?;
    let y = if pool.is_plain(x.shape()) {
        x.max_pool2d_values(&pool.with_padding())?
    } else {
        x.max_pool2d_bordered(pool.border(), &pool.op)?
    };
    ctx.like_first([own_axes(y, rank)?])
}

/// The maxima, and where they lie.
fn max_pool_with_indices(ctx: &Ctx, x: &Tensor) -> Result<Vec<Value>> {
    if x.rank() == 5 {
        return Err(
            ctx.unsupported("the second result, the indices of the maxima, of a pooling over three axes")
        );
    }
    let (rank, pool) = (x.rank(), pool(ctx, x.shape())?);
    let x = two_axes(ctx, x)?;
    let extents = pair(&x.shape()[2..], 1);
    let by_columns = match ctx.node.attributes.int("storage_order", 0)? {
        0 => false,
        1 => true,
        other => {
            return Err(ctx.node.attributes.wrong("storage_order", format!("is {other} and must be 0 or 1")));
        }
    };
    let (y, indices) = if pool.is_plain(x.shape()) {
        let (y, indices) = x.max_pool2d(&pool.with_padding())?;
        let order = by_columns.then(|| renumbered(ctx, extents, [(0, 0); 2], by_columns)).transpose()?;
        (y, order.map_or_else(|| Ok(indices.clone()), |order| order.gather(0, &indices))?)
    } else {
        let (y, indices) = x.max_pool2d_bordered_indices(pool.border(), &pool.op)?;
        (y, renumbered(ctx, extents, pool.border(), by_columns)?.gather(0, &indices)?)
    };
    let indices = MaxIndices::new(own_axes(indices, rank)?, extents.iter().product());
    Ok(vec![device(own_axes(y, rank)?, ctx.dtype(0)?), Value::MaxIndices(Rc::new(indices))])
}

/// For each place of a plane with its border, in rows, that in the plane alone, in rows or columns; of the border's the
/// nearest.
fn renumbered(ctx: &Ctx, [height, width]: [usize; 2], border: Border, by_columns: bool) -> Result<Tensor> {
    let [rows, columns] = [(height, border[0]), (width, border[1])]
        .map(|(extent, (before, behind))| extent.saturating_add(before).saturating_add(behind));
    let elements = rows.saturating_mul(columns);
    if elements > LIMIT {
        let node = ctx.node.place();
        return Err(Error::TooLarge { node, elements: elements as u128, limit: LIMIT });
    }
    let inside = |place: usize, before: usize, extent: usize| {
        place.saturating_sub(before).min(extent.saturating_sub(1))
    };
    // No more than the limit.
    let table: Vec<i32> = (0..elements)
        .map(|place| {
            let row = inside(place / columns, border[0].0, height);
            let column = inside(place % columns, border[1].0, width);
            (if by_columns { column * height + row } else { row * width + column }) as i32
        })
        .collect();
    Ok(Tensor::from_slice(ctx.context, &table, &[elements])?)
}

pub(super) fn average_pool(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    let count_include_pad = ctx.node.attributes.flag("count_include_pad", false)?;
    if x.rank() == 5 {
        return ctx.like_first([x.avg_pool3d(&pool3d(ctx, x.shape(), count_include_pad)?)?]);
    }
    let (rank, pool) = (x.rank(), pool(ctx, x.shape())?);
    let x = two_axes(ctx, &x)?;
    let pool = Pool { op: Pool2d { count_include_pad, ..pool.op }, ..pool };
    let y = if pool.is_plain(x.shape()) {
        x.avg_pool2d(&pool.with_padding())?
    } else {
        x.avg_pool2d_bordered(pool.border(), &pool.op)?
    };
    ctx.like_first([own_axes(y, rank)?])
}

fn pool3d(ctx: &Ctx, shape: &[usize], count_include_pad: bool) -> Result<Pool3d> {
    let window = window::window(ctx, shape, None)?;
    Ok(Pool3d {
        kernel: three(ctx, &window.kernel)?,
        stride: three(ctx, &window.strides)?,
        padding: three(ctx, &window.pads)?.map(Into::into),
        dilation: three(ctx, &window.dilations)?,
        ceil_mode: ctx.node.attributes.flag("ceil_mode", false)?,
        count_include_pad,
    })
}

/// (Σ |x|ᵖ)^(1/p) of each window.
pub(super) fn lp_pool(ctx: &Ctx) -> Result<Vec<Value>> {
    let (x, p) = (ctx.float(0)?, power(ctx)?);
    let rank = x.rank();
    if rank == 5 {
        return ctx.like_first([x.lp_pool3d(p, &pool3d(ctx, x.shape(), false)?)?]);
    }
    let pool = pool(ctx, x.shape())?;
    let x = two_axes(ctx, &x)?;
    if pool.is_plain(x.shape()) {
        return ctx.like_first([own_axes(x.lp_pool2d(p, &pool.with_padding())?, rank)?]);
    }
    // Over three axes the sides may differ.
    let &[n, c, height, width] = x.shape() else { return Err(ctx.wrong(format!("shape {:?}", x.shape()))) };
    let op = Pool3d {
        kernel: [1, pool.op.kernel[0], pool.op.kernel[1]],
        stride: [1, pool.op.stride[0], pool.op.stride[1]],
        padding: [(0, 0), pool.border()[0], pool.border()[1]],
        dilation: [1, pool.op.dilation[0], pool.op.dilation[1]],
        ceil_mode: pool.op.ceil_mode,
        count_include_pad: true,
    };
    let y = x.reshape(&signed(&[n, c, 1, height, width]))?.lp_pool3d(p, &op)?;
    let &[_, _, _, height, width] = y.shape() else {
        return Err(ctx.wrong(format!("shape {:?}", y.shape())));
    };
    ctx.like_first([own_axes(y.reshape(&signed(&[n, c, height, width]))?, rank)?])
}

/// (Σ |x|ᵖ)^(1/p) of each image and channel.
pub(super) fn global_lp(ctx: &Ctx) -> Result<Vec<Value>> {
    let (x, p) = (ctx.float(0)?, power(ctx)?);
    let axes: Vec<usize> = (2..x.rank()).collect();
    if axes.is_empty() {
        return Err(ctx.wrong(format!("an operand of shape {:?} has no spatial axes", x.shape())));
    }
    ctx.like_first([match p {
        1 => x.l1_norm(&axes, true)?,
        2 => x.l2_norm(&axes, true)?,
        _ => {
            let powers = x.unary(UnaryOp::Abs)?.binary(BinaryOp::Pow, &ctx.scalar(p as f32)?)?;
            let sum = powers.reduce(ReduceOp::Sum, &axes, true)?;
            sum.binary(BinaryOp::Pow, &ctx.scalar(1.0 / p as f32)?)?
        }
    }])
}

fn power(ctx: &Ctx) -> Result<u32> {
    let p = ctx.node.attributes.int("p", 2)?;
    let positive = u32::try_from(p).ok().filter(|&p| p > 0);
    positive.ok_or_else(|| ctx.node.attributes.wrong("p", format!("is {p} and must be positive")))
}

/// A reduction of each image and channel; a mean of four axes has a kernel of its own.
pub(super) fn global(ctx: &Ctx, op: ReduceOp) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    let axes: Vec<usize> = (2..x.rank()).collect();
    if axes.is_empty() {
        return Err(ctx.wrong(format!("an operand of shape {:?} has no spatial axes", x.shape())));
    }
    let y = if op == ReduceOp::Mean && x.rank() == 4 {
        x.global_avg_pool2d()?
    } else {
        x.reduce(op, &axes, true)?
    };
    ctx.like_first([y])
}
