//! Reductions.

use tilewright_ops::{CumSum, ReduceOp, UnaryOp};
use tilewright_tensor::{DType, Tensor};

use super::integers;
use super::node::{Ctx, device, host};
use super::value::Value;
use crate::element::ElementType;
use crate::error::Result;
use crate::host::Call;
use crate::params::operands::Operands;
use crate::params::{axis, reduce, topk};
use crate::table::operator::{Extreme, Reduction};
use crate::tensor::{Data, HostTensor, Numbers};

pub(super) fn reduce(ctx: &Ctx, reduction: Reduction) -> Result<Vec<Value>> {
    if integers::is_integer(ctx.dtype(0)?) {
        let reduced = reduce::reduced(ctx, ctx.shape(0)?.len())?;
        if let Some(known) = of_no_integers(ctx, &reduced)? {
            return Ok(known);
        }
        return integers::reduce(ctx, reduction, &reduced.axes, reduced.keep);
    }
    let of_truth = matches!(reduction, Reduction::Max | Reduction::Min);
    let x = if of_truth { ctx.float_or_bool(0)? } else { ctx.float(0)? };
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
    let (axes, keep) = (&reduced.axes[..], reduced.keep);
    let nothing = x.count() == 0 && reduced.shape(x.shape()).iter().all(|&extent| extent > 0);
    if let (true, Some(value)) = (nothing, of_nothing(reduction, ctx.dtype(0)?)) {
        return ctx.like_first([Tensor::full(ctx.context, value, &reduced.shape(x.shape()))?]);
    }
    ctx.like_first([match reduction {
        Reduction::Sum => x.reduce(ReduceOp::Sum, axes, keep)?,
        Reduction::Mean => x.reduce(ReduceOp::Mean, axes, keep)?,
        Reduction::Max => x.reduce(ReduceOp::Max, axes, keep)?,
        Reduction::Min => x.reduce(ReduceOp::Min, axes, keep)?,
        Reduction::Prod => x.reduce(ReduceOp::Prod, axes, keep)?,
        Reduction::L1 => x.l1_norm(axes, keep)?,
        Reduction::L2 => x.l2_norm(axes, keep)?,
        Reduction::SumSquare => x.sum_of_squares(axes, keep)?,
        Reduction::LogSum => x.log_sum(axes, keep)?,
        Reduction::LogSumExp => x.log_sum_exp(axes, keep)?,
    }])
}

/// A reduction of no integers follows from their type alone, of which the host has all bits. `None` if there are any.
fn of_no_integers(ctx: &Ctx, reduced: &reduce::Reduced) -> Result<Option<Vec<Value>>> {
    let shape = ctx.shape(0)?;
    if !shape.contains(&0) || reduced.shape(shape).contains(&0) {
        return Ok(None);
    }
    let nothing = Data::from_numbers(ctx.dtype(0)?, &Numbers::Integers(Vec::new()));
    let nothing = HostTensor::new(shape, nothing).map_err(|_| ctx.wrong("its shape has elements"))?;
    let found = Call::new(ctx.node, vec![Some(&nothing), ctx.constant(1)?]).evaluate();
    found.map(|found| Ok(found?.into_iter().map(host).collect())).transpose()
}

/// The largest or smallest of no elements, of which the engine's operations have none: what any element would replace.
fn of_nothing(reduction: Reduction, dtype: ElementType) -> Option<f32> {
    let [least, most] = match dtype {
        ElementType::Bool => [0.0, 1.0],
        _ => [f32::NEG_INFINITY, f32::INFINITY],
    };
    match reduction {
        Reduction::Max => Some(least),
        Reduction::Min => Some(most),
        _ => None,
    }
}

pub(super) fn arg(ctx: &Ctx, extreme: Extreme) -> Result<Vec<Value>> {
    let reduced = reduce::arg_reduced(ctx, ctx.shape(0)?.len())?;
    let (axes, keep) = (&reduced.axes[..], reduced.keep);
    let (x, extreme) = if integers::is_integer(ctx.dtype(0)?) {
        (integers::with_largest_of(ctx, extreme, axes)?, Extreme::Max)
    } else {
        (ctx.float(0)?, extreme)
    };
    let y = match (extreme, ctx.node.attributes.flag("select_last_index", false)?) {
        (Extreme::Max, false) => x.argmax(axes, keep)?,
        (Extreme::Max, true) => x.argmax_last(axes[0], keep)?,
        (Extreme::Min, false) => x.argmin(axes, keep)?,
        (Extreme::Min, true) => x.argmin_last(axes[0], keep)?,
    };
    Ok(vec![device(y, ElementType::I64)])
}

pub(super) fn cumulative_sum(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    let given = ctx.integers("", 1)?.and_then(|values| values.first().copied()).unwrap_or(0);
    let attributes = &ctx.node.attributes;
    let op = CumSum {
        axis: ctx.check(axis::one(given, x.rank()))?,
        exclusive: attributes.flag("exclusive", false)?,
        reverse: attributes.flag("reverse", false)?,
    };
    ctx.like_first([x.cumsum(&op)?])
}

/// The values in the operand's type, and where they lie.
pub(super) fn topk(ctx: &Ctx) -> Result<Vec<Value>> {
    let dtype = ctx.dtype(0)?;
    // f32 has every integer of 16 bits.
    let narrow = integers::is_integer(dtype) && dtype.size() <= 2;
    let x = if narrow { ctx.any(0)?.cast(DType::F32)? } else { ctx.float(0)? };
    let (values, indices) = x.topk(topk::topk(ctx, x.shape())?)?;
    let values = if narrow { values.cast(DType::I32)? } else { values };
    Ok(vec![device(values, dtype), device(indices, ElementType::I64)])
}
