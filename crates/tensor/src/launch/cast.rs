//! Casts.

use tilewright_kernels::elementwise;
use tilewright_ops::DType;

use crate::{Result, Tensor};

pub(super) fn cast(x: &Tensor, dtype: DType) -> Result<Tensor> {
    if dtype == x.dtype() {
        return Ok(x.clone());
    }
    let y = x.like(dtype)?;
    match elementwise::cast(x.context(), x.buffer(), x.dtype(), y.buffer(), dtype, x.count()) {
        Some(outcome) => outcome.map(|()| y).map_err(Into::into),
        None => x.cast(DType::F32)?.cast(dtype),
    }
}
