//! Casts.

use tilewright_kernels::elementwise;
use tilewright_ops::DType;

use crate::{error::Result, tensor::Tensor};

pub(super) fn cast(x: &Tensor, dtype: DType) -> Result<Tensor> {
    if dtype == x.dtype() {
        return Ok(x.clone());
    }
    let y = x.like(dtype)?;
    match elementwise::cast(x.context(), x.buffer(), x.dtype(), y.buffer(), dtype, x.count()) {
        Some(outcome) => outcome.map(|()| y).map_err(Into::into),
        None => x.cast(between(x.dtype(), dtype))?.cast(dtype),
    }
}

/// What a cast that takes two steps goes by way of.
fn between(from: DType, to: DType) -> DType {
    match (from.size(), to.size()) {
        (1, _) => DType::I32,
        (2, _) => DType::F32,
        (_, 1) => DType::I32,
        _ => DType::F32,
    }
}
