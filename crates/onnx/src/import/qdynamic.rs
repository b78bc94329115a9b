//! Bytes whose scale follows from the numbers, when the model is run.

use tilewright_ops::{BinaryOp, DType, Op, Quantized};
use tilewright_tensor::Tensor;

use super::node::{Ctx, device};
use super::value::Value;
use crate::element::ElementType;
use crate::error::Result;

/// uint8 by the range from the least number to the largest, 0 included; the scale, 1 for zeros alone as ONNX Runtime has it; the
/// zero point.
pub(super) fn quantize(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.float(0)?;
    if x.count() == 0 {
        return Err(ctx.wrong("of no numbers no scale follows".to_owned()));
    }
    let axes: Vec<usize> = (0..x.rank()).collect();
    let two = |left: &Tensor, op: BinaryOp, right: &Tensor| -> Result<Tensor> {
        Ok(Tensor::run_one(&Op::Binary { op, activation: None }, &[left, right])?)
    };
    let (none, most) = (ctx.scalar(0.0)?, ctx.scalar(255.0)?);
    let least = two(&x.min(&axes, false)?, BinaryOp::Minimum, &none)?;
    let largest = two(&x.max(&axes, false)?, BinaryOp::Maximum, &none)?;
    let scale = two(&two(&largest, BinaryOp::Sub, &least)?, BinaryOp::Div, &most)?;
    // 1 where it is 0.
    let is_none = two(&scale, BinaryOp::Equal, &none)?;
    let scale = two(&scale, BinaryOp::Add, &is_none)?;
    let zero = two(&two(&none, BinaryOp::Sub, &least)?, BinaryOp::Div, &scale)?;
    // To the type by the same rounding and the same ends.
    let (one, middle) = (ctx.scalar(1.0)?, Tensor::from_slice(ctx.context, &[0i32], &[])?);
    let bytes = Op::Quantized(Quantized::Quantize { dtype: DType::U8, axis: None });
    let zero = Tensor::run_one(&bytes, &[&zero, &one, &middle])?;
    let y = Tensor::run_one(&bytes, &[&x, &scale, &zero.cast(DType::I32)?])?;
    Ok(vec![device(y, ElementType::U8), device(scale, ElementType::F32), device(zero, ElementType::U8)])
}
