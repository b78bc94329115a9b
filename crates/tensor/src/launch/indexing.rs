//! Elements by index, and to their index.

use tilewright_kernels::{
    movement::{self, ScatterAxis, Tuples},
    strided::Strided,
};
use tilewright_ops::ScatterReduction;

use crate::{error::Result, layout::Layout, tensor::Tensor};

fn product(extents: &[usize]) -> usize {
    extents.iter().product()
}

pub(super) fn gather(axis: usize, x: &Tensor, indices: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let (dense, indices) = (x.to_layout(Layout::RowMajor)?, indices.to_layout(Layout::RowMajor)?);
    let y = Tensor::empty(x.context(), shape, x.dtype(), Layout::RowMajor)?;
    if y.count() > 0 {
        let sizes = [product(&x.shape()[..axis]), indices.count(), product(&x.shape()[axis + 1..])];
        let (from, by) = (dense.buffer(), indices.buffer());
        movement::gather(x.context(), from, by, y.buffer(), sizes, x.shape()[axis])?;
    }
    Ok(y)
}

pub(super) fn gather_elements(axis: usize, x: &Tensor, indices: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let (x, indices) = (x.to_layout(Layout::RowMajor)?, indices.to_layout(Layout::RowMajor)?);
    let y = Tensor::empty(x.context(), shape, x.dtype(), Layout::RowMajor)?;
    if y.count() > 0 {
        let mut strides = x.strides();
        let step = std::mem::take(&mut strides[axis]);
        let whole = Strided::new(shape, &strides, &y.strides());
        let along = [x.shape()[axis], step as usize];
        movement::gather_elements(x.context(), x.buffer(), indices.buffer(), y.buffer(), &whole, along)?;
    }
    Ok(y)
}

pub(super) fn gather_nd(batch: usize, x: &Tensor, indices: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let (x, indices) = (x.to_layout(Layout::RowMajor)?, indices.to_layout(Layout::RowMajor)?);
    let y = Tensor::empty(x.context(), shape, x.dtype(), Layout::RowMajor)?;
    if y.count() > 0 {
        let by = tuples(batch, x.shape(), indices.shape());
        movement::gather_nd(x.context(), x.buffer(), indices.buffer(), y.buffer(), &by)?;
    }
    Ok(y)
}

pub(super) fn scatter(
    axis: usize,
    reduction: ScatterReduction,
    [x, indices, updates]: [&Tensor; 3],
) -> Result<Tensor> {
    let shape = x.shape();
    let by = Tuples {
        outer: product(&shape[..axis]),
        tuples: indices.count(),
        inner: product(&shape[axis + 1..]),
        extents: vec![shape[axis]],
        shared: true,
    };
    by_tuples("scatter", reduction, [x, indices, updates], &by)
}

pub(super) fn scatter_nd(
    batch: usize,
    reduction: ScatterReduction,
    [x, indices, updates]: [&Tensor; 3],
) -> Result<Tensor> {
    by_tuples("scatter_nd", reduction, [x, indices, updates], &tuples(batch, x.shape(), indices.shape()))
}

pub(super) fn scatter_elements(
    axis: usize,
    reduction: ScatterReduction,
    [x, indices, updates]: [&Tensor; 3],
) -> Result<Tensor> {
    let (indices, updates) = (indices.to_layout(Layout::RowMajor)?, updates.to_layout(Layout::RowMajor)?);
    let y = x.copy_to("scatter_elements", x.shape(), &x.strides(), 0, Layout::RowMajor)?;
    if y.count() > 0 && updates.count() > 0 {
        let (mut shape, mut from, mut to) = (indices.shape().to_vec(), indices.strides(), y.strides());
        let along = ScatterAxis {
            updates: shape.remove(axis),
            from_step: from.remove(axis) as usize,
            extent: y.shape()[axis],
            y_step: to.remove(axis) as usize,
        };
        let lines = Strided::new(&shape, &from, &to);
        let (by, values) = (indices.buffer(), updates.buffer());
        let how = (reduction, x.dtype());
        movement::scatter_elements(x.context(), how, by, values, y.buffer(), &lines, along)?;
    }
    Ok(y)
}

fn by_tuples(
    op: &'static str,
    reduction: ScatterReduction,
    [x, indices, updates]: [&Tensor; 3],
    by: &Tuples,
) -> Result<Tensor> {
    let (indices, updates) = (indices.to_layout(Layout::RowMajor)?, updates.to_layout(Layout::RowMajor)?);
    let y = x.copy_to(op, x.shape(), &x.strides(), 0, Layout::RowMajor)?;
    if y.count() > 0 && updates.count() > 0 {
        let how = (op, reduction, x.dtype());
        movement::scatter(x.context(), how, indices.buffer(), updates.buffer(), y.buffer(), by)?;
    }
    Ok(y)
}

/// The last axis of the indices holds tuples, behind `batch` axes that x has too.
fn tuples(batch: usize, x: &[usize], indices: &[usize]) -> Tuples {
    let last = indices.len() - 1;
    let named = indices[last];
    Tuples {
        outer: product(&x[..batch]),
        tuples: product(&indices[batch..last]),
        inner: product(&x[batch + named..]),
        extents: x[batch..batch + named].to_vec(),
        shared: false,
    }
}
