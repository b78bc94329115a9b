//! Axes drawn anew by tables.

use tilewright_kernels::movement::{self, Resample};
use tilewright_ops::DType;

use crate::{error::Result, layout::Layout, tensor::Tensor};

pub(super) fn resample(
    axis: usize,
    x: &Tensor,
    [rows, columns]: [&Tensor; 2],
    shape: &[usize],
) -> Result<Tensor> {
    let last = x.layout() == Layout::ChannelsLast && axis == 2;
    let dense = if last { x.clone() } else { x.to_layout(Layout::RowMajor)? };
    let y = Tensor::empty(x.context(), shape, DType::F32, dense.layout())?;
    if y.count() == 0 {
        return Ok(y);
    }
    let extents = |shape: &[usize]| [shape[axis], shape[axis + 1]];
    let (outer, inner) = if last {
        (shape[0], shape[1])
    } else {
        (shape[..axis].iter().product(), shape[axis + 2..].iter().product())
    };
    let taps = [rows.shape()[1], columns.shape()[1]];
    let sizes = Resample { outer, x: extents(x.shape()), y: extents(shape), inner, taps };
    let (rows, columns) = (rows.buffer(), columns.buffer());
    movement::resample(x.context(), &sizes, dense.buffer(), rows, columns, y.buffer())?;
    Ok(y)
}
