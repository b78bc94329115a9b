//! What scales have in common.

use tilewright_ops::BinaryOp;
use tilewright_tensor::Tensor;

use crate::error::Result;

/// Of zeros alone any scale is right: 1.
pub(super) fn positive(scales: &Tensor) -> Result<Tensor> {
    let context = scales.context();
    let least = Tensor::full(context, f32::MIN_POSITIVE, &[])?;
    let none = scales.binary(BinaryOp::Less, &least)?;
    Ok(Tensor::full(context, 1.0, &[])?.where_on(&none, scales)?)
}
