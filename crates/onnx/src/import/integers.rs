//! Arithmetic of integers that are known at run time. The device holds them in 32 bits, so that an int64 or uint32 result
//! beyond them wraps; the types of 8 and 16 bits wrap in their own.

use tilewright_ops::{BinaryOp, ReduceOp, UnaryOp};
use tilewright_tensor::{DType, Tensor};

use super::node::{Ctx, device, is_byte};
use super::value::Value;
use crate::element::ElementType;
use crate::error::Result;
use crate::table::operator::{Bits, Extreme, Reduction};
use crate::tensor::{HostTensor, Numbers};

/// Whether the device holds elements of `dtype` as i32.
pub(super) fn is_integer(dtype: ElementType) -> bool {
    !dtype.is_float() && dtype != ElementType::Bool
}

/// The operand at `index` as i32; it must be of the first one's type.
fn operand(ctx: &Ctx, index: usize) -> Result<Tensor> {
    let (first, dtype) = (ctx.dtype(0)?, ctx.dtype(index)?);
    if dtype != first {
        return Err(ctx.wrong(format!("operand {index} is {dtype}, and the first is {first}")));
    }
    ctx.any(index)
}

/// A number of the device.
pub(super) fn number(ctx: &Ctx, value: i32) -> Result<Tensor> {
    Ok(Tensor::from_slice(ctx.context, &[value], &[])?)
}

/// The low bits of i32 results, as many as `dtype` has.
pub(super) fn wrapped(ctx: &Ctx, x: Tensor, dtype: ElementType) -> Result<Tensor> {
    Ok(match dtype {
        ElementType::U8 => x.cast(DType::U8)?.cast(DType::I32)?,
        ElementType::I8 => x.cast(DType::I8)?.cast(DType::I32)?,
        ElementType::U16 => x.binary(BinaryOp::BitwiseAnd, &number(ctx, 0xffff)?)?,
        ElementType::I16 => {
            let by = number(ctx, 16)?;
            x.binary(BinaryOp::ShiftLeft, &by)?.binary(BinaryOp::ShiftRight, &by)?
        }
        _ => x,
    })
}

/// Results in the first operand's type; refused where they could need more than the 31 bits in which it is held.
fn result(ctx: &Ctx, x: Tensor) -> Result<Vec<Value>> {
    let dtype = ctx.dtype(0)?;
    if matches!(dtype, ElementType::U32 | ElementType::U64) {
        return Err(ctx.of_type(0, dtype));
    }
    Ok(vec![device(wrapped(ctx, x, dtype)?, dtype)])
}

pub(super) fn unary(ctx: &Ctx, op: UnaryOp) -> Result<Vec<Value>> {
    if !op.takes_integers() {
        return Err(ctx.of_type(0, ctx.dtype(0)?));
    }
    let x = ctx.any(0)?.unary(op)?;
    if matches!(op, UnaryOp::Sign | UnaryOp::Relu) { ctx.like_first([x]) } else { result(ctx, x) }
}

pub(super) fn binary(
    ctx: &Ctx,
    op: BinaryOp,
    aligned: impl Fn(&Tensor, Tensor) -> Result<Tensor>,
) -> Result<Vec<Value>> {
    let a = ctx.any(0)?;
    if op == BinaryOp::Pow && is_real(ctx, 1)? {
        // By way of f32, which has 24 bits.
        let b = aligned(&a, ctx.any(1)?)?;
        return result(ctx, a.cast(DType::F32)?.binary(op, &b)?.cast(DType::I32)?);
    }
    let b = if op == BinaryOp::Pow { whole(ctx, 1)? } else { operand(ctx, 1)? };
    let b = aligned(&a, b)?;
    result(ctx, a.binary(op, &b)?)
}

/// Whether the operand is of floats, and not all known to be whole.
fn is_real(ctx: &Ctx, index: usize) -> Result<bool> {
    Ok(ctx.dtype(index)?.is_float() && known_whole(ctx, index)?.is_none())
}

/// The elements of a constant, if all are whole numbers of 32 bits.
fn known_whole(ctx: &Ctx, index: usize) -> Result<Option<Vec<i32>>> {
    let Value::Host(constant) = ctx.value(index)? else { return Ok(None) };
    let whole = |value: f64| (value == f64::from(value as i32)).then_some(value as i32);
    Ok(constant.host().data().numbers().floats().into_iter().map(whole).collect())
}

fn whole(ctx: &Ctx, index: usize) -> Result<Tensor> {
    match known_whole(ctx, index)? {
        Some(values) => Ok(Tensor::from_slice(ctx.context, &values, ctx.shape(index)?)?),
        None => ctx.any(index),
    }
}

/// Maxima and minima, which leave no range.
pub(super) fn variadic(ctx: &Ctx, op: BinaryOp) -> Result<Vec<Value>> {
    let mut y = ctx.any(0)?;
    for index in 1..ctx.inputs.len() {
        y = y.binary(op, &operand(ctx, index)?)?;
    }
    ctx.like_first([y])
}

/// The truth of a comparison.
pub(super) fn compare(ctx: &Ctx, op: BinaryOp) -> Result<Vec<Value>> {
    let y = ctx.any(0)?.binary(op, &operand(ctx, 1)?)?;
    Ok(vec![device(y, ElementType::Bool)])
}

pub(super) fn modulo(ctx: &Ctx, op: BinaryOp) -> Result<Vec<Value>> {
    ctx.like_first([ctx.any(0)?.binary(op, &operand(ctx, 1)?)?])
}

pub(super) fn bits(ctx: &Ctx, bits: Bits) -> Result<Vec<Value>> {
    let dtype = ctx.dtype(0)?;
    if !is_integer(dtype) {
        return Err(ctx.of_type(0, dtype));
    }
    let attributes = &ctx.node.attributes;
    let op = match bits {
        Bits::And => BinaryOp::BitwiseAnd,
        Bits::Or => BinaryOp::BitwiseOr,
        Bits::Xor => BinaryOp::BitwiseXor,
        Bits::Shift => match attributes.string("direction")?.unwrap_or("LEFT") {
            "LEFT" => BinaryOp::ShiftLeft,
            "RIGHT" => BinaryOp::ShiftRight,
            other => return Err(attributes.wrong("direction", format!("`{other}` is unknown"))),
        },
    };
    let y = ctx.any(0)?.binary(op, &operand(ctx, 1)?)?;
    if op == BinaryOp::ShiftLeft { result(ctx, y) } else { ctx.like_first([y]) }
}

/// The other bits of x are −1 − x.
pub(super) fn not(ctx: &Ctx) -> Result<Vec<Value>> {
    let dtype = ctx.dtype(0)?;
    if !is_integer(dtype) {
        return Err(ctx.of_type(0, dtype));
    }
    let x = ctx.any(0)?;
    let ones = Tensor::from_slice(ctx.context, &[-1i32], &[])?;
    result(ctx, ones.binary(BinaryOp::Sub, &x)?)
}

/// Bounds are held at the ends of 32 bits, which no element passes.
pub(super) fn clip(ctx: &Ctx) -> Result<Vec<Value>> {
    let mut y = ctx.any(0)?;
    for (index, attribute, op) in [(1, "min", BinaryOp::Maximum), (2, "max", BinaryOp::Minimum)] {
        if ctx.node.attributes.float_ref(attribute)?.is_some() {
            return Err(ctx.of_type(0, ctx.dtype(0)?));
        }
        let bound = match ctx.inputs.get(index) {
            None | Some(None) => continue,
            Some(Some(Value::Host(constant))) => number(ctx, end(ctx, index, constant.host())?)?,
            Some(Some(_)) => operand(ctx, index)?,
        };
        y = y.binary(op, &bound)?;
    }
    // Bytes between bytes stay bytes.
    let held = ctx.stored(0)?.dtype();
    let own = (1..ctx.inputs.len()).all(|at| !ctx.has(at) || ctx.dtype(at).ok() == ctx.dtype(0).ok());
    ctx.like_first([if is_byte(held) && own { y.cast(held)? } else { y }])
}

fn end(ctx: &Ctx, index: usize, bound: &HostTensor) -> Result<i32> {
    match bound.data().numbers() {
        Numbers::Integers(values) if values.len() == 1 => {
            Ok(values[0].clamp(i128::from(i32::MIN), i128::from(i32::MAX)) as i32)
        }
        _ => Err(ctx.wrong(format!("operand {index} must be one integer"))),
    }
}

/// A mean is cut towards zero.
pub(super) fn reduce(ctx: &Ctx, reduction: Reduction, axes: &[usize], keep: bool) -> Result<Vec<Value>> {
    let x = ctx.any(0)?;
    let sum = |x: &Tensor| if axes.is_empty() { Ok(x.clone()) } else { x.reduce(ReduceOp::Sum, axes, keep) };
    let of = |op| if axes.is_empty() { Ok(x.clone()) } else { x.reduce(op, axes, keep) };
    let y = match reduction {
        Reduction::Sum => of(ReduceOp::Sum)?,
        Reduction::Prod => of(ReduceOp::Prod)?,
        Reduction::Max => return ctx.like_first([of(ReduceOp::Max)?]),
        Reduction::Min => return ctx.like_first([of(ReduceOp::Min)?]),
        Reduction::L1 => sum(&x.unary(UnaryOp::Abs)?)?,
        Reduction::SumSquare => sum(&x.mul(&x)?)?,
        Reduction::Mean => {
            let count: usize = axes.iter().map(|&axis| x.shape()[axis]).product();
            let count = i32::try_from(count).map_err(|_| ctx.wrong("it takes the mean of 2^31 elements"))?;
            sum(&x)?.div(&number(ctx, count)?)?
        }
        Reduction::L2 | Reduction::LogSum | Reduction::LogSumExp => {
            return Err(ctx.of_type(0, ctx.dtype(0)?));
        }
    };
    result(ctx, y)
}

/// Numbers of f32 that are largest over `axes` where the integers have their extreme: f32 has 24 bits, so the upper 16 are
/// compared first, and where they are largest the lower ones.
pub(super) fn with_largest_of(ctx: &Ctx, extreme: Extreme, axes: &[usize]) -> Result<Tensor> {
    let x = ctx.any(0)?;
    let x = match extreme {
        Extreme::Max => x,
        // −1 − x: the order turned around, of every number.
        Extreme::Min => x.binary(BinaryOp::BitwiseXor, &number(ctx, -1)?)?,
    };
    let high = x.binary(BinaryOp::ShiftRight, &number(ctx, 16)?)?;
    let low = x.binary(BinaryOp::BitwiseAnd, &number(ctx, 0xffff)?)?.cast(DType::F32)?;
    let largest = high.binary(BinaryOp::Equal, &high.reduce(ReduceOp::Max, axes, true)?)?;
    Ok(low.where_on(&largest, &ctx.scalar(-1.0)?)?)
}
