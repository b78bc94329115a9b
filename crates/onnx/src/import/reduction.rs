//! Reductions.

use tilewright_ops::{ReduceOp, UnaryOp};
use tilewright_tensor::{DType, Tensor};

use super::node::{Ctx, device, signed};
use super::value::Value;
use crate::element::ElementType;
use crate::error::Result;
use crate::params::operands::Operands;
use crate::params::{axis, reduce};
use crate::table::operator::{Extreme, Reduction};

pub(super) fn reduce(ctx: &Ctx, reduction: Reduction) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    let reduced = reduce::reduced(ctx, x.rank())?;
    if reduced.axes.is_empty() {
        // The engine would take none for all.
        return ctx.like_first([match reduction {
            Reduction::L1 | Reduction::L2 => x.unary(UnaryOp::Abs)?,
            Reduction::SumSquare => x.unary(UnaryOp::Square)?,
            Reduction::LogSum => x.unary(UnaryOp::Log)?,
            Reduction::Sum
            | Reduction::Mean
            | Reduction::Max
            | Reduction::Min
            | Reduction::Prod
            | Reduction::LogSumExp => x,
        }]);
    }
    let over = |x: &Tensor, op: ReduceOp| x.reduce(op, &reduced.axes, reduced.keep);
    ctx.like_first([match reduction {
        Reduction::Sum => over(&x, ReduceOp::Sum)?,
        Reduction::Mean => over(&x, ReduceOp::Mean)?,
        Reduction::Max => over(&x, ReduceOp::Max)?,
        Reduction::Min => over(&x, ReduceOp::Min)?,
        Reduction::Prod => over(&x, ReduceOp::Prod)?,
        Reduction::L1 => over(&x.unary(UnaryOp::Abs)?, ReduceOp::Sum)?,
        Reduction::L2 => over(&x.unary(UnaryOp::Square)?, ReduceOp::Sum)?.unary(UnaryOp::Sqrt)?,
        Reduction::SumSquare => over(&x.unary(UnaryOp::Square)?, ReduceOp::Sum)?,
        Reduction::LogSum => over(&x, ReduceOp::Sum)?.unary(UnaryOp::Log)?,
        // Around the largest, so that nothing overflows.
        Reduction::LogSumExp => {
            let largest = x.reduce(ReduceOp::Max, &reduced.axes, true)?;
            let sums = over(&x.sub(&largest)?.unary(UnaryOp::Exp)?, ReduceOp::Sum)?;
            let base = largest.reshape(&signed(sums.shape()))?;
            sums.unary(UnaryOp::Log)?.add(&base)?
        }
    }])
}

pub(super) fn arg(ctx: &Ctx, extreme: Extreme) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    let reduced = reduce::arg_reduced(ctx, x.rank())?;
    let last = ctx.node.attributes.flag("select_last_index", false)?;
    let x = match extreme {
        Extreme::Max => x,
        Extreme::Min => x.unary(UnaryOp::Neg)?,
    };
    let axis = reduced.axes[0];
    let y = if last {
        // The first from behind.
        let extent = x.shape()[axis];
        if extent >= (1 << 24) {
            return Err(ctx.unsupported(format!("the last of {extent} elements")));
        }
        let backwards: Vec<i32> = (0..extent as i32).rev().collect();
        let backwards = Tensor::from_slice(ctx.context, &backwards, &[extent])?;
        let place = x.gather(axis, &backwards)?.argmax(&[axis], reduced.keep)?.cast(DType::F32)?;
        let counted = place.unary(UnaryOp::MulScalar { value: -1.0 })?;
        counted.unary(UnaryOp::AddScalar { value: extent.saturating_sub(1) as f32 })?.cast(DType::I32)?
    } else {
        x.argmax(&[axis], reduced.keep)?
    };
    Ok(vec![device(y, ElementType::I64)])
}

/// Running sums as a product with a triangle of ones.
pub(super) fn cumulative_sum(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    let given = ctx.integers("", 1)?.and_then(|values| values.first().copied()).unwrap_or(0);
    let axis = ctx.check(axis::one(given, x.rank()))?;
    let attributes = &ctx.node.attributes;
    let (exclusive, reverse) = (attributes.flag("exclusive", false)?, attributes.flag("reverse", false)?);
    let extent = x.shape()[axis];
    if extent > 2048 {
        return Err(ctx.unsupported(format!("a running sum of {extent} elements")));
    }
    let added = |from: usize, to: usize| {
        let (from, to) = if reverse { (to, from) } else { (from, to) };
        from < to || (from == to && !exclusive)
    };
    let triangle: Vec<f32> =
        (0..extent * extent).map(|at| f32::from(u8::from(added(at / extent, at % extent)))).collect();
    let triangle = ctx.tensor(&triangle, &[extent, extent])?;
    // The axis goes to the end and comes back.
    let mut order: Vec<usize> = (0..x.rank()).filter(|&other| other != axis).collect();
    order.push(axis);
    let mut back = vec![0; order.len()];
    for (at, &from) in order.iter().enumerate() {
        back[from] = at;
    }
    let lines = x.permute(&order)?;
    let shape = signed(lines.shape());
    let sums = lines.reshape(&[-1, extent as isize])?.matmul(&triangle)?;
    ctx.like_first([sums.reshape(&shape)?.permute(&back)?])
}
