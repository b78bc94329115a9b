//! Between real numbers and bytes that stand for them.

use tilewright_ops::{Op, Quantized};
use tilewright_tensor::{DType, Tensor};

use super::integers::is_integer;
use super::node::{Ctx, device, signed};
use super::value::Value;
use crate::element::ElementType;
use crate::error::Result;
use crate::params::axis;
use crate::params::operands::Operands;

/// Scales and zero points as the device's operations take them: numbers without a shape, or one for each index of an axis.
struct Scales {
    scale: Tensor,
    zero: Tensor,
    axis: Option<usize>,
}

/// The scales and zero points of operands 1 and 2 for numbers of `dtype`.
fn scales(ctx: &Ctx, dtype: ElementType) -> Result<Scales> {
    let attributes = &ctx.node.attributes;
    if attributes.int("block_size", 0)? != 0 {
        return Err(ctx.unsupported("a scale for each block of what depends on the model's inputs"));
    }
    let (x, shape) = (ctx.shape(0)?, ctx.shape(1)?);
    let count: usize = shape.iter().product();
    let axis = if count == 1 {
        None
    } else {
        let axis = ctx.check(axis::one(attributes.int("axis", 1)?, x.len()))?;
        if shape != [x[axis]] {
            return Err(ctx.wrong(format!("a scale of shape {shape:?} for a shape of {x:?}")));
        }
        Some(axis)
    };
    let shape = axis.map(|axis| x[axis]).into_iter().collect::<Vec<_>>();
    let scale = ctx.float(1)?.reshape(&signed(&shape))?;
    let zero = if ctx.has(2) {
        let (own, of) = (ctx.shape(2)?, ctx.dtype(2)?);
        if of != dtype || own.iter().product::<usize>() != count {
            let reason = format!("zero points of {of} {own:?} for {dtype} and scales of shape {shape:?}");
            return Err(ctx.wrong(reason));
        }
        ctx.any(2)?.reshape(&signed(&shape))?
    } else {
        Tensor::from_slice(ctx.context, &vec![0i32; count], &shape)?
    };
    Ok(Scales { scale, zero, axis })
}

/// The type that `output_dtype` names, or another where it is absent.
fn output_type(ctx: &Ctx, default: ElementType) -> Result<ElementType> {
    let attributes = &ctx.node.attributes;
    match attributes.int("output_dtype", 0)? {
        0 => Ok(default),
        number => {
            let known = i32::try_from(number).map_err(|_| "unknown").and_then(ElementType::from_number);
            known.map_err(|name| attributes.wrong("output_dtype", format!("is {number} ({name})")))
        }
    }
}

/// The node's operation, which is written down where its operands are constants that the passes are to see.
fn run(ctx: &Ctx, op: Quantized, x: &Tensor, Scales { scale, zero, .. }: &Scales) -> Result<Tensor> {
    let (op, operands) = (Op::Quantized(op), [x, scale, zero]);
    match &ctx.written {
        Some(trace) => {
            let first = trace.write(&op, &operands)?.into_iter().next();
            first.ok_or_else(|| ctx.wrong("it has no result"))
        }
        None => Ok(Tensor::run_one(&op, &operands)?),
    }
}

pub(super) fn quantize(ctx: &Ctx) -> Result<Vec<Value>> {
    let default = if ctx.has(2) { ctx.dtype(2)? } else { ElementType::U8 };
    let to = output_type(ctx, default)?;
    let dtype = match to {
        ElementType::I8 => DType::I8,
        ElementType::U8 => DType::U8,
        other => {
            return Err(ctx.unsupported(format!("quantising to {other} what depends on the model's inputs")));
        }
    };
    let scales = scales(ctx, to)?;
    let x = match ctx.dtype(0)? {
        ElementType::I32 => ctx.any(0)?.cast(DType::F32)?,
        _ => ctx.float(0)?,
    };
    let y = run(ctx, Quantized::Quantize { dtype, axis: scales.axis }, &x, &scales)?;
    Ok(vec![device(y, to)])
}

pub(super) fn dequantize(ctx: &Ctx) -> Result<Vec<Value>> {
    let from = ctx.dtype(0)?;
    let x = match from {
        ElementType::I8 | ElementType::U8 => ctx.bytes(0)?,
        // Held in 32 bits, with room for the difference to the zero point.
        ElementType::I16 | ElementType::U16 | ElementType::I4 | ElementType::U4 | ElementType::I32 => {
            ctx.any(0)?
        }
        other if is_integer(other) => {
            return Err(ctx.wrong(format!("{other} is no type of quantised elements")));
        }
        other => return Err(ctx.of_type(0, other)),
    };
    let (scales, to) = (scales(ctx, from)?, output_type(ctx, ctx.dtype(1)?)?);
    if !to.is_float() {
        return Err(ctx.node.attributes.wrong("output_dtype", format!("is {to}, which has no fraction")));
    }
    let y = run(ctx, Quantized::Dequantize { axis: scales.axis }, &x, &scales)?;
    Ok(vec![device(y, to)])
}
