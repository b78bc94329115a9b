//! Arithmetic, comparisons, logic, choice and casts.

use tilewright_ops::{BinaryOp, UnaryOp};
use tilewright_tensor::{DType, Tensor};

use super::node::{Ctx, device, is_zero, negated, signed};
use super::value::Value;
use crate::element::ElementType;
use crate::error::Result;
use crate::params::operands::Operands;
use crate::params::{axis, movement};
use crate::table::operator::{Comparison, Logic, Variadic};
use crate::tensor::HostTensor;

pub(super) fn unary(ctx: &Ctx, op: UnaryOp) -> Result<Vec<Value>> {
    ctx.like_first([ctx.float(0)?.unary(op)?])
}

/// Before version 7 the second operand was aligned by an attribute: its first axis stood at `axis`.
fn aligned(ctx: &Ctx, a: &Tensor, b: Tensor) -> Result<Tensor> {
    let Some(&axis) = ctx.node.attributes.int_ref("axis")?.filter(|_| ctx.opset < 7) else { return Ok(b) };
    let axis = ctx.check(axis::one(axis, a.rank()))?;
    let behind = a.rank().saturating_sub(axis + b.rank());
    let mut shape = signed(b.shape());
    shape.resize(shape.len() + behind, 1);
    Ok(b.reshape(&shape)?)
}

pub(super) fn binary(ctx: &Ctx, op: BinaryOp) -> Result<Vec<Value>> {
    let a = ctx.float(0)?;
    // Only an exponent may be of another type than the base.
    let b = if op == BinaryOp::Pow { ctx.any(1)?.cast(DType::F32)? } else { ctx.float(1)? };
    let b = aligned(ctx, &a, b)?;
    ctx.like_first([a.binary(op, &b)?])
}

pub(super) fn variadic(ctx: &Ctx, function: Variadic) -> Result<Vec<Value>> {
    let op = match function {
        Variadic::Max => BinaryOp::Maximum,
        Variadic::Min => BinaryOp::Minimum,
        Variadic::Sum | Variadic::Mean => BinaryOp::Add,
    };
    let mut y = ctx.float(0)?;
    for index in 1..ctx.inputs.len() {
        y = y.binary(op, &ctx.float(index)?)?;
    }
    if function == Variadic::Mean {
        y = y.scale(1.0 / ctx.inputs.len() as f32)?;
    }
    ctx.like_first([y])
}

pub(super) fn compare(ctx: &Ctx, comparison: Comparison) -> Result<Vec<Value>> {
    let y = ctx.float_or_bool(0)?.binary(comparison.op(), &ctx.float_or_bool(1)?)?;
    Ok(vec![device(y, ElementType::Bool)])
}

pub(super) fn logic(ctx: &Ctx, logic: Logic) -> Result<Vec<Value>> {
    let (a, b) = (ctx.float_or_bool(0)?, ctx.float_or_bool(1)?);
    let y = match logic {
        Logic::And => a.mul(&b)?,
        Logic::Or => a.binary(BinaryOp::Maximum, &b)?,
        Logic::Xor => negated(&a.binary(BinaryOp::Equal, &b)?)?,
    };
    Ok(vec![device(y, ElementType::Bool)])
}

pub(super) fn not(ctx: &Ctx) -> Result<Vec<Value>> {
    Ok(vec![device(negated(&ctx.float_or_bool(0)?)?, ElementType::Bool)])
}

/// Of the indices of maxima by the size of their plane, which is how the device counts them; arithmetic on other integers
/// could leave its 32 bits.
pub(super) fn modulo(ctx: &Ctx) -> Result<Vec<Value>> {
    let divisor = ctx.constant(1)?.filter(|divisor| divisor.count() == 1).and_then(HostTensor::whole);
    match ctx.value(0)? {
        Value::MaxIndices(indices)
            if divisor.and_then(|divisor| usize::try_from(divisor).ok()) == Some(indices.plane()) =>
        {
            Ok(vec![device(indices.within().clone(), ElementType::I64)])
        }
        value => Err(ctx.of_type(0, value.dtype())),
    }
}

pub(super) fn choose(ctx: &Ctx) -> Result<Vec<Value>> {
    let (condition, dtype) = (ctx.float_or_bool(0)?, ctx.dtype(1)?);
    let y = ctx.float_or_bool(1)?.where_on(&condition, &ctx.float_or_bool(2)?)?;
    Ok(vec![device(y, dtype)])
}

pub(super) fn clip(ctx: &Ctx) -> Result<Vec<Value>> {
    let mut y = ctx.float(0)?;
    let bound = |attribute: &str, index: usize| match ctx.inputs.get(index) {
        Some(Some(Value::Device { .. } | Value::MaxIndices(_))) => Ok(None),
        _ => ctx.number(attribute, index).map(Some),
    };
    let is_number = |bound: &Option<f32>| !bound.is_some_and(f32::is_nan);
    match (bound("min", 1)?.filter(is_number), bound("max", 2)?.filter(is_number)) {
        (Some(low), Some(high)) => {
            let high = high.unwrap_or(f32::INFINITY);
            // Where the bounds are crossed, the upper one wins.
            let low = low.unwrap_or(f32::NEG_INFINITY).min(high);
            y = y.unary(if (low, high) == (0.0, 6.0) {
                UnaryOp::Relu6
            } else {
                UnaryOp::Clamp { min: low, max: high }
            })?;
        }
        // Known at run time, or no number: then everything is NaN.
        _ => {
            for (op, attribute, index) in [(BinaryOp::Maximum, "min", 1), (BinaryOp::Minimum, "max", 2)] {
                let given = match ctx.has(index) {
                    true => Some(ctx.float(index)?),
                    false => ctx.number(attribute, index)?.map(|value| ctx.scalar(value)).transpose()?,
                };
                if let Some(given) = given {
                    y = y.binary(op, &given)?;
                }
            }
        }
    }
    ctx.like_first([y])
}

/// To the type that an attribute names.
pub(super) fn cast(ctx: &Ctx) -> Result<Vec<Value>> {
    to(ctx, movement::cast_type(ctx)?)
}

/// To the type of the second operand.
pub(super) fn cast_like(ctx: &Ctx) -> Result<Vec<Value>> {
    to(ctx, ctx.dtype(1)?)
}

fn to(ctx: &Ctx, to: ElementType) -> Result<Vec<Value>> {
    let from = ctx.dtype(0)?;
    let x = ctx.any(0)?;
    let holds_all = |to: ElementType| match from {
        ElementType::Bool => true,
        ElementType::U8 => to.size() > 1,
        ElementType::I8 => {
            !matches!(to, ElementType::U8 | ElementType::U16 | ElementType::U32 | ElementType::U64)
        }
        ElementType::I32 => matches!(to, ElementType::I32 | ElementType::I64),
        // The device holds it in 32 bits already, and each value was checked for that.
        ElementType::I64 => matches!(to, ElementType::I32 | ElementType::I64),
        _ => to == from || matches!(to, ElementType::I32 | ElementType::I64) && from.size() < 4,
    };
    let y = match to {
        _ if to == from => x,
        ElementType::F32 if from.is_float() || from == ElementType::Bool => x,
        // Stored as i32: the nearest f32, as the cast means it.
        ElementType::F32 => x.cast(DType::F32)?,
        ElementType::F16 if from == ElementType::F32 => x.cast(DType::F16)?.cast(DType::F32)?,
        ElementType::Bool if from.is_float() => negated(&is_zero(ctx, &x)?)?,
        ElementType::I32 if from.is_float() => x.cast(DType::I32)?,
        to if !to.is_float() && to != ElementType::Bool && !from.is_float() && holds_all(to) => {
            x.cast(DType::I32)?
        }
        _ => return Err(ctx.unsupported(format!("a cast from {from} to {to} of what depends on the inputs"))),
    };
    Ok(vec![device(y, to)])
}
