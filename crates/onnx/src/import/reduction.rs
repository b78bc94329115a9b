//! Reductions.

use tilewright_ops::{ReduceOp, UnaryOp};
use tilewright_tensor::{DType, Tensor};

use super::node::{Ctx, device, signed};
use super::registry::Entry;
use super::value::Value;
use crate::params::{self, Operands};
use crate::{ElementType, Result};

pub(super) const OPERATORS: &[Entry] = &[
    ("ReduceSum", 1, reduce),
    ("ReduceMean", 1, reduce),
    ("ReduceMax", 1, reduce),
    ("ReduceMin", 1, reduce),
    ("ReduceProd", 1, reduce),
    ("ReduceL1", 1, reduce),
    ("ReduceL2", 1, reduce),
    ("ReduceSumSquare", 1, reduce),
    ("ReduceLogSum", 1, reduce),
    ("ReduceLogSumExp", 1, reduce),
    ("ArgMax", 1, arg),
    ("ArgMin", 1, arg),
    ("CumSum", 11, cumulative_sum),
];

fn reduce(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    let reduced = params::reduced(ctx, x.rank())?;
    if reduced.axes.is_empty() {
        // The engine would take none for all.
        let y = match ctx.node.op_type.as_str() {
            "ReduceL1" | "ReduceL2" => x.unary(UnaryOp::Abs)?,
            "ReduceSumSquare" => x.unary(UnaryOp::Square)?,
            "ReduceLogSum" => x.unary(UnaryOp::Log)?,
            _ => x,
        };
        return ctx.like_first([y]);
    }
    let over = |x: &Tensor, op: ReduceOp| x.reduce(op, &reduced.axes, reduced.keep);
    let y = match ctx.node.op_type.as_str() {
        "ReduceSum" => over(&x, ReduceOp::Sum)?,
        "ReduceMean" => over(&x, ReduceOp::Mean)?,
        "ReduceMax" => over(&x, ReduceOp::Max)?,
        "ReduceMin" => over(&x, ReduceOp::Min)?,
        "ReduceProd" => over(&x, ReduceOp::Prod)?,
        "ReduceL1" => over(&x.unary(UnaryOp::Abs)?, ReduceOp::Sum)?,
        "ReduceL2" => over(&x.unary(UnaryOp::Square)?, ReduceOp::Sum)?.unary(UnaryOp::Sqrt)?,
        "ReduceSumSquare" => over(&x.unary(UnaryOp::Square)?, ReduceOp::Sum)?,
        "ReduceLogSum" => over(&x, ReduceOp::Sum)?.unary(UnaryOp::Log)?,
        // Around the largest, so that nothing overflows.
        _ => {
            let largest = x.reduce(ReduceOp::Max, &reduced.axes, true)?;
            let sums = over(&x.sub(&largest)?.unary(UnaryOp::Exp)?, ReduceOp::Sum)?;
            let base = largest.reshape(&signed(sums.shape()))?;
            sums.unary(UnaryOp::Log)?.add(&base)?
        }
    };
    ctx.like_first([y])
}

fn arg(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    let reduced = params::arg_reduced(ctx, x.rank())?;
    let last = ctx.node.attributes.flag("select_last_index", false)?;
    let x = if ctx.node.op_type == "ArgMin" { x.unary(UnaryOp::Neg)? } else { x };
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
fn cumulative_sum(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    let given = ctx.integers("", 1)?.and_then(|values| values.first().copied()).unwrap_or(0);
    let axis = ctx.check(params::axis(given, x.rank()))?;
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
