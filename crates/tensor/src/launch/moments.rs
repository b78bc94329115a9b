//! Mean and variance over axes, and what is normalised by them.

use tilewright_kernels::normalization::{self, MomentsOf};
use tilewright_kernels::reduction::Lines;
use tilewright_ops::{DType, Moments};

use crate::{error::Result, layout::Layout, tensor::Tensor};

/// `mean`, `rest` and `variance`.
pub(super) fn moments(op: &Moments, x: &Tensor, shape: &[usize]) -> Result<Vec<Tensor>> {
    let gone = op.reduced(x.shape())?;
    let (x, view) = match one_run(x, &gone) {
        Some(view) => (x.clone(), view),
        None => {
            // The reduced axes go to the end, where they are one run.
            let (kept, reduced): (Vec<_>, Vec<_>) = (0..x.rank()).partition(|&axis| !gone[axis]);
            let extent = |axes: &[usize]| axes.iter().map(|&axis| x.shape()[axis]).product();
            let view = Lines { before: extent(&kept), along: extent(&reduced), after: 1 };
            (x.permute(&[kept, reduced].concat())?, view)
        }
    };
    // The lines are in the order of memory of what is kept, which a copy lays row-major.
    let layout = if shape.len() == 4 { x.layout() } else { Layout::RowMajor };
    let result = || Tensor::empty(x.context(), shape, DType::F32, layout);
    let results = [result()?, result()?, result()?];
    if x.count() == 0 {
        // Of nothing, as PyTorch.
        results.iter().try_for_each(|result| result.fill(f32::NAN.to_bits()))?;
    } else {
        let [mean, rest, variance] = results.each_ref().map(|result| result.buffer());
        normalization::moments(x.context(), x.buffer(), MomentsOf { mean, rest, variance }, view)?;
    }
    Ok(results.into())
}

/// `((x − mean) − rest) · inv_std`.
pub(super) fn standardize(x: &Tensor, of_lines: [&Tensor; 3]) -> Result<Tensor> {
    let [mean, rest, inv_std] = of_lines;
    let gone: Vec<_> = mean.shape().iter().zip(x.shape()).map(|(own, extent)| own != extent).collect();
    let Some(view) = one_run(x, &gone) else {
        return x.sub(mean)?.sub(rest)?.mul(inv_std);
    };
    let y = x.like(DType::F32)?;
    if x.count() > 0 {
        // One behind the other as the lines are.
        let lie = |tensor: &Tensor| tensor.to_layout(x.layout());
        let (mean, rest, inv_std) = (lie(mean)?, lie(rest)?, lie(inv_std)?);
        let of_lines = [mean.buffer(), rest.buffer(), inv_std.buffer()];
        normalization::standardize(x.context(), x.buffer(), of_lines, y.buffer(), view)?;
    }
    Ok(y)
}

/// The lines of the reduced axes if they are neighbours in memory.
fn one_run(x: &Tensor, gone: &[bool]) -> Option<Lines> {
    let mut view = Lines { before: 1, along: 1, after: 1 };
    let (mut begun, mut ended) = (false, false);
    for axis in x.layout().memory_order(x.rank()) {
        let extent = x.shape()[axis];
        match gone[axis] {
            _ if extent == 1 => {}
            true if ended => return None,
            true => {
                begun = true;
                view.along *= extent;
            }
            false if begun => {
                ended = true;
                view.after *= extent;
            }
            false => view.before *= extent,
        }
    }
    Some(view)
}
