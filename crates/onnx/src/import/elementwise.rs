//! Arithmetic, comparisons, logic, choice and casts.

use tilewright_ops::{BinaryOp, UnaryOp};
use tilewright_tensor::{DType, Tensor};

use super::integers::{self, is_integer};
use super::node::{Ctx, device, negated, signed};
use super::value::Value;
use crate::element::ElementType;
use crate::error::Result;
use crate::params::operands::Operands;
use crate::params::{axis, movement};
use crate::table::operator::{Comparison, Logic, Variadic};

pub(super) fn unary(ctx: &Ctx, op: UnaryOp) -> Result<Vec<Value>> {
    if is_integer(ctx.dtype(0)?) {
        return integers::unary(ctx, op);
    }
    ctx.like_first([ctx.float(0)?.unary(op)?])
}

/// Before version 7 the second operand was aligned by an attribute: its first axis stood at `axis`.
fn aligned(ctx: &Ctx, a: &Tensor, b: Tensor) -> Result<Tensor> {
    let Some(&axis) = ctx.node.attributes.int_ref("axis")?.filter(|_| ctx.node.opset < 7) else {
        return Ok(b);
    };
    let axis = ctx.check(axis::one(axis, a.rank()))?;
    let behind = a.rank().saturating_sub(axis + b.rank());
    let mut shape = signed(b.shape());
    shape.resize(shape.len() + behind, 1);
    Ok(b.reshape(&shape)?)
}

pub(super) fn binary(ctx: &Ctx, op: BinaryOp) -> Result<Vec<Value>> {
    if is_integer(ctx.dtype(0)?) {
        return integers::binary(ctx, op, |a, b| aligned(ctx, a, b));
    }
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
    if is_integer(ctx.dtype(0)?) && matches!(function, Variadic::Max | Variadic::Min) {
        return integers::variadic(ctx, op);
    }
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
    if is_integer(ctx.dtype(0)?) {
        return integers::compare(ctx, comparison.op());
    }
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

/// What neither is less than 0 nor is not: comparisons are false for a NaN on every driver.
pub(super) fn is_nan(ctx: &Ctx) -> Result<Vec<Value>> {
    let (x, zero) = (ctx.float(0)?, ctx.scalar(0.0)?);
    let low = x.binary(BinaryOp::Less, &zero)?;
    let known = low.binary(BinaryOp::Maximum, &x.binary(BinaryOp::GreaterOrEqual, &zero)?)?;
    Ok(vec![device(negated(&known)?, ElementType::Bool)])
}

/// What is beyond the largest number of f32, on the sides that count.
pub(super) fn is_infinite(ctx: &Ctx) -> Result<Vec<Value>> {
    let (x, attributes) = (ctx.float(0)?, &ctx.node.attributes);
    let above = x.binary(BinaryOp::Greater, &ctx.scalar(f32::MAX)?)?;
    let below = x.binary(BinaryOp::Less, &ctx.scalar(-f32::MAX)?)?;
    let sides = (attributes.flag("detect_positive", true)?, attributes.flag("detect_negative", true)?);
    let y = match sides {
        (true, true) => above.binary(BinaryOp::Maximum, &below)?,
        (true, false) => above,
        (false, true) => below,
        (false, false) => above.scale(0.0)?,
    };
    Ok(vec![device(y, ElementType::Bool)])
}

/// The indices of maxima by the size of their plane are as the device counts them.
pub(super) fn modulo(ctx: &Ctx) -> Result<Vec<Value>> {
    let divisor = |plane: usize| -> Result<bool> {
        match ctx.value(1)? {
            Value::Host(divisor) => {
                let divisor = divisor.host();
                Ok(divisor.count() == 1 && divisor.whole() == i64::try_from(plane).ok())
            }
            _ => Ok(false),
        }
    };
    match ctx.value(0)? {
        Value::MaxIndices(indices) if divisor(indices.plane())? => {
            Ok(vec![device(indices.within().clone(), ElementType::I64)])
        }
        value => {
            let cut = ctx.node.attributes.flag("fmod", false)?;
            let op = if cut { BinaryOp::Fmod } else { BinaryOp::Remainder };
            if is_integer(value.dtype()) {
                return integers::modulo(ctx, op);
            }
            ctx.like_first([ctx.float(0)?.binary(op, &ctx.float(1)?)?])
        }
    }
}

pub(super) fn choose(ctx: &Ctx) -> Result<Vec<Value>> {
    let (condition, dtype) = (ctx.float_or_bool(0)?, ctx.dtype(1)?);
    if ctx.dtype(2)? != dtype {
        return Err(ctx.wrong(format!("it chooses between {dtype} and {}", ctx.dtype(2)?)));
    }
    let y = ctx.any(1)?.where_on(&condition, &ctx.any(2)?)?;
    Ok(vec![device(y, dtype)])
}

pub(super) fn clip(ctx: &Ctx) -> Result<Vec<Value>> {
    if is_integer(ctx.dtype(0)?) {
        return integers::clip(ctx);
    }
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

/// From floats to integers towards zero; what does not fit 32 bits, and NaN, is −2³¹, of which the types of 8 and 16 bits have
/// the low ones, as in ONNX Runtime. int64 has 32 bits here, and so its −2³¹ where others have −2⁶³.
fn to(ctx: &Ctx, to: ElementType) -> Result<Vec<Value>> {
    let from = ctx.dtype(0)?;
    let x = ctx.any(0)?;
    // 31 bits of each are held: not all that a sign or a float becomes.
    let unsigned = |dtype| matches!(dtype, ElementType::U32 | ElementType::U64);
    let held = !unsigned(to)
        || unsigned(from)
        || matches!(from, ElementType::U8 | ElementType::U16 | ElementType::Bool);
    let truth = from == ElementType::Bool;
    let y = match to {
        _ if to == from => x,
        ElementType::F32 | ElementType::F64 if from.is_float() || truth => x,
        // Stored as i32: the nearest f32, as the cast means it.
        ElementType::F32 => x.cast(DType::F32)?,
        ElementType::F16 if truth => x,
        ElementType::F16 if from != ElementType::BF16 && from != ElementType::F64 => {
            x.cast(DType::F32)?.cast(DType::F16)?.cast(DType::F32)?
        }
        // A choice looks at the bits: a denormal number is no 0, on any device.
        ElementType::Bool => ctx.scalar(1.0)?.where_on(&x, &ctx.scalar(0.0)?)?,
        to if is_integer(to) && held => integers::wrapped(ctx, x.cast(DType::I32)?, to)?,
        _ => return Err(ctx.unsupported(format!("a cast from {from} to {to} of what depends on the inputs"))),
    };
    Ok(vec![device(y, to)])
}
