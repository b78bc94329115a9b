//! Running sums along an axis.

use tilewright_kernels::reduction;
use tilewright_ops::{CumSum, DType};

use crate::{error::Result, tensor::Tensor};

pub(super) fn cumsum(op: CumSum, x: &Tensor) -> Result<Tensor> {
    let y = x.like(DType::F32)?;
    if x.count() > 0 {
        reduction::cumsum(x.context(), op, x.buffer(), y.buffer(), x.lines(op.axis))?;
    }
    Ok(y)
}
