//! Arithmetic, comparisons, logic, choice and casts.

use tilewright_ops::{BinaryOp, UnaryOp};
use tilewright_tensor::{DType, Tensor};

use super::node::{Ctx, device, is_zero, not};
use super::registry::Entry;
use super::value::Value;
use crate::params::Operands;
use crate::{ElementType, Result};

pub(super) const OPERATORS: &[Entry] = &[
    ("Add", 1, arithmetic),
    ("Sub", 1, arithmetic),
    ("Mul", 1, arithmetic),
    ("Div", 1, arithmetic),
    ("Pow", 1, arithmetic),
    ("Max", 1, variadic),
    ("Min", 1, variadic),
    ("Sum", 1, variadic),
    ("Mean", 1, variadic),
    ("Equal", 7, compare),
    ("Less", 7, compare),
    ("LessOrEqual", 12, compare),
    ("Greater", 7, compare),
    ("GreaterOrEqual", 12, compare),
    ("And", 7, logic),
    ("Or", 7, logic),
    ("Xor", 7, logic),
    ("Not", 1, negation),
    ("Where", 9, choose),
    ("Clip", 1, clip),
    ("Cast", 6, cast),
    ("CastLike", 15, cast),
    ("Abs", 1, unary),
    ("Neg", 1, unary),
    ("Exp", 1, unary),
    ("Log", 1, unary),
    ("Sqrt", 1, unary),
    ("Reciprocal", 1, unary),
    ("Floor", 1, unary),
    ("Ceil", 1, unary),
    ("Round", 11, unary),
    ("Sign", 9, unary),
    ("Erf", 9, unary),
    ("Sin", 7, unary),
    ("Cos", 7, unary),
    ("Tan", 7, unary),
    ("Asin", 7, unary),
    ("Acos", 7, unary),
    ("Atan", 7, unary),
    ("Sinh", 9, unary),
    ("Cosh", 9, unary),
    ("Asinh", 9, unary),
    ("Acosh", 9, unary),
    ("Atanh", 9, unary),
];

fn unary(ctx: &Ctx) -> Result<Vec<Value>> {
    let op = match ctx.node.op_type.as_str() {
        "Abs" => UnaryOp::Abs,
        "Neg" => UnaryOp::Neg,
        "Exp" => UnaryOp::Exp,
        "Log" => UnaryOp::Log,
        "Sqrt" => UnaryOp::Sqrt,
        "Reciprocal" => UnaryOp::Reciprocal,
        "Floor" => UnaryOp::Floor,
        "Ceil" => UnaryOp::Ceil,
        "Round" => UnaryOp::Round,
        "Sign" => UnaryOp::Sign,
        "Erf" => UnaryOp::Erf,
        "Sin" => UnaryOp::Sin,
        "Cos" => UnaryOp::Cos,
        "Tan" => UnaryOp::Tan,
        "Asin" => UnaryOp::Asin,
        "Acos" => UnaryOp::Acos,
        "Atan" => UnaryOp::Atan,
        "Sinh" => UnaryOp::Sinh,
        "Cosh" => UnaryOp::Cosh,
        "Asinh" => UnaryOp::Asinh,
        "Acosh" => UnaryOp::Acosh,
        _ => UnaryOp::Atanh,
    };
    ctx.like_first([ctx.float(0)?.unary(op)?])
}

/// Before version 7 the second operand was aligned by an attribute: its first axis stood at `axis`.
fn aligned(ctx: &Ctx, a: &Tensor, b: Tensor) -> Result<Tensor> {
    let Some(&axis) = ctx.node.attributes.int_ref("axis")?.filter(|_| ctx.opset < 7) else { return Ok(b) };
    let axis = ctx.check(crate::params::axis(axis, a.rank()))?;
    let behind = a.rank().saturating_sub(axis + b.rank());
    let mut shape = super::node::signed(b.shape());
    shape.resize(shape.len() + behind, 1);
    Ok(b.reshape(&shape)?)
}

fn arithmetic(ctx: &Ctx) -> Result<Vec<Value>> {
    let op = match ctx.node.op_type.as_str() {
        "Add" => BinaryOp::Add,
        "Sub" => BinaryOp::Sub,
        "Mul" => BinaryOp::Mul,
        "Div" => BinaryOp::Div,
        _ => BinaryOp::Pow,
    };
    let a = ctx.float(0)?;
    // Only an exponent may be of another type than the base.
    let b = if op == BinaryOp::Pow { ctx.any(1)?.cast(DType::F32)? } else { ctx.float(1)? };
    let b = aligned(ctx, &a, b)?;
    ctx.like_first([a.binary(op, &b)?])
}

fn variadic(ctx: &Ctx) -> Result<Vec<Value>> {
    let op = match ctx.node.op_type.as_str() {
        "Max" => BinaryOp::Maximum,
        "Min" => BinaryOp::Minimum,
        _ => BinaryOp::Add,
    };
    let mut y = ctx.float(0)?;
    for index in 1..ctx.inputs.len() {
        y = y.binary(op, &ctx.float(index)?)?;
    }
    if ctx.node.op_type == "Mean" {
        y = y.scale(1.0 / ctx.inputs.len() as f32)?;
    }
    ctx.like_first([y])
}

fn compare(ctx: &Ctx) -> Result<Vec<Value>> {
    let op = match ctx.node.op_type.as_str() {
        "Equal" => BinaryOp::Equal,
        "Less" => BinaryOp::Less,
        "LessOrEqual" => BinaryOp::LessOrEqual,
        "Greater" => BinaryOp::Greater,
        _ => BinaryOp::GreaterOrEqual,
    };
    let y = ctx.float_or_bool(0)?.binary(op, &ctx.float_or_bool(1)?)?;
    Ok(vec![device(y, ElementType::Bool)])
}

fn logic(ctx: &Ctx) -> Result<Vec<Value>> {
    let (a, b) = (ctx.float_or_bool(0)?, ctx.float_or_bool(1)?);
    let y = match ctx.node.op_type.as_str() {
        "And" => a.mul(&b)?,
        "Or" => a.binary(BinaryOp::Maximum, &b)?,
        _ => not(&a.binary(BinaryOp::Equal, &b)?)?,
    };
    Ok(vec![device(y, ElementType::Bool)])
}

fn negation(ctx: &Ctx) -> Result<Vec<Value>> {
    Ok(vec![device(not(&ctx.float_or_bool(0)?)?, ElementType::Bool)])
}

fn choose(ctx: &Ctx) -> Result<Vec<Value>> {
    let (condition, dtype) = (ctx.float_or_bool(0)?, ctx.dtype(1)?);
    let y = ctx.float_or_bool(1)?.where_on(&condition, &ctx.float_or_bool(2)?)?;
    Ok(vec![device(y, dtype)])
}

fn clip(ctx: &Ctx) -> Result<Vec<Value>> {
    let mut y = ctx.float(0)?;
    let bound = |attribute: &str, index: usize| match ctx.inputs.get(index) {
        Some(Some(Value::Device { .. })) => Ok(None),
        _ => ctx.number(attribute, index).map(Some),
    };
    match (bound("min", 1)?, bound("max", 2)?) {
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
        _ => {
            if ctx.has(1) {
                y = y.binary(BinaryOp::Maximum, &ctx.float(1)?)?;
            }
            if ctx.has(2) {
                y = y.binary(BinaryOp::Minimum, &ctx.float(2)?)?;
            }
        }
    }
    ctx.like_first([y])
}

fn cast(ctx: &Ctx) -> Result<Vec<Value>> {
    let from = ctx.dtype(0)?;
    let to = if ctx.node.op_type == "CastLike" {
        ctx.dtype(1)?
    } else {
        let number = ctx.node.attributes.int("to", 0)?;
        let known = i32::try_from(number).map_err(|_| "unknown").and_then(ElementType::from_number);
        let wrong =
            |name| ctx.node.attributes.wrong("to", format!("is {number} ({name}), which is not read"));
        known.map_err(wrong)?
    };
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
        ElementType::Bool if from.is_float() => not(&is_zero(ctx, &x)?)?,
        ElementType::I32 if from.is_float() => x.cast(DType::I32)?,
        to if !to.is_float() && to != ElementType::Bool && !from.is_float() && holds_all(to) => {
            x.cast(DType::I32)?
        }
        _ => return Err(ctx.unsupported(format!("a cast from {from} to {to} of what depends on the inputs"))),
    };
    Ok(vec![device(y, to)])
}
