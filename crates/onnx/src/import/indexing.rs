//! Elements by index.

use tilewright_tensor::{DType, Tensor};

use super::node::Ctx;
use super::value::Value;
use crate::error::Result;
use crate::params::axis;
use crate::params::operands::Operands;

/// The operand at `index` as whole numbers on the device, i32.
pub(super) fn whole_numbers(ctx: &Ctx, index: usize) -> Result<Tensor> {
    let (tensor, dtype) = (ctx.any(index)?, ctx.dtype(index)?);
    if tensor.dtype() == DType::I32 { Ok(tensor) } else { Err(ctx.of_type(index, dtype)) }
}

pub(super) fn gather(ctx: &Ctx) -> Result<Vec<Value>> {
    let x = ctx.any(0)?;
    let axis = ctx.check(axis::one(ctx.node.attributes.int("axis", 0)?, x.rank()))?;
    let extent = x.shape()[axis];
    let indices = match ctx.value(1)? {
        // Known indices are checked here; the others on the device, where one that is outside gives 0.
        Value::Host(_) => {
            let values = ctx.integers("", 1)?.unwrap_or_default();
            let shape = ctx.shape(1)?;
            let places: Option<Vec<i32>> = values
                .iter()
                .map(|&value| axis::one(value, extent).ok().and_then(|place| i32::try_from(place).ok()))
                .collect();
            let places =
                places.ok_or_else(|| ctx.wrong(format!("an index is outside an extent of {extent}")))?;
            Tensor::from_slice(ctx.context, &places, shape)?
        }
        Value::Device { tensor, .. } if tensor.dtype() == DType::I32 => tensor.clone(),
        Value::Device { dtype, .. } => return Err(ctx.of_type(1, *dtype)),
        Value::MaxIndices(_) => ctx.any(1)?,
    };
    ctx.like_first([x.gather(axis, &indices)?])
}
