//! Dropout, whose mask is drawn from (seed, stream) and the element's row-major index.

use tilewright_kernels::random;
use tilewright_ops::{DType, Dropout};

use crate::{error::Result, layout::Layout, tensor::Tensor};

pub(super) fn dropout(op: &Dropout, seed: u64, stream: u64, x: &Tensor) -> Result<Tensor> {
    let y = x.like(DType::F32)?;
    if x.count() == 0 {
        return Ok(y);
    }
    let channels_last = match (x.layout(), x.shape()) {
        (Layout::ChannelsLast, &[_, c, h, w]) => Some([c, h * w]),
        _ => None,
    };
    random::dropout(x.context(), op, x.buffer(), y.buffer(), x.count(), channels_last, seed, stream)?;
    Ok(y)
}
