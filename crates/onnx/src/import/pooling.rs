//! Poolings over windows, and over all of an image.

use tilewright_ops::{Pool2d, ReduceOp};
use tilewright_tensor::composite::Pool3d;

use super::convolution::{own_axes, pair, three, two_axes};
use super::node::Ctx;
use super::value::Value;
use crate::error::Result;
use crate::params::window::{self, Window};

struct Pool {
    op: Pool2d,
    pads: [[usize; 2]; 2],
}

fn pool(ctx: &Ctx, shape: &[usize]) -> Result<Pool> {
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
    fn border(&self) -> [(usize, usize); 2] {
        self.pads.map(Into::into)
    }

    /// With the padding, which is plain.
    fn with_padding(&self) -> Pool2d {
        Pool2d { padding: self.pads.map(|[before, _]| before), ..self.op }
    }

    /// Whether the engine's pooling takes this padding: alike on both sides, and at most half the kernel.
    fn is_plain(&self) -> bool {
        (0..2).all(|axis| {
            let [before, behind] = self.pads[axis];
            before == behind && before <= self.op.kernel[axis] / 2
        })
    }
}

pub(super) fn max_pool(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    if ctx.wants(1) {
        return Err(ctx.unsupported("the second result, the places of the maxima,"));
    }
    if x.rank() == 5 {
        return ctx.like_first([x.max_pool3d(&pool3d(ctx, x.shape(), false)?)?]);
    }
    let (rank, pool) = (x.rank(), pool(ctx, x.shape())?);
    let x = two_axes(ctx, &x)?;
    let y = if pool.is_plain() {
        x.max_pool2d_values(&pool.with_padding())?
    } else {
        x.max_pool2d_bordered(pool.border(), &pool.op)?
    };
    ctx.like_first([own_axes(y, rank)?])
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
    let y = if pool.is_plain() {
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
