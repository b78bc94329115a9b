//! Pooling: maximum, average and sum over windows, adaptive averages, with their gradients. Results lie channels-last.

use tilewright_kernels::pooling;
use tilewright_ops::{AdaptiveAvgPool2d, DType, Pool2d, PoolKind};

use super::shape::four;
use crate::{error::Result, layout::Layout, tensor::Tensor};

/// Values, then indices where they are asked for.
pub(super) fn max(pool: &Pool2d, indices: bool, x: &Tensor, shape: [usize; 4]) -> Result<Vec<Tensor>> {
    let x = x.to_layout(Layout::ChannelsLast)?;
    let y = Tensor::empty(x.context(), &shape, DType::F32, Layout::ChannelsLast)?;
    let place = || Tensor::empty(x.context(), &shape, DType::I32, Layout::ChannelsLast);
    let found = indices.then(place).transpose()?;
    let places = found.as_ref().map(Tensor::buffer);
    pooling::max_pool2d(x.context(), pool, four(x.shape()), shape, x.buffer(), y.buffer(), places)?;
    Ok([y].into_iter().chain(found).collect())
}

pub(super) fn max_backward(
    pool: &Pool2d,
    x_shape: [usize; 4],
    indices: &Tensor,
    grad_y: &Tensor,
) -> Result<Tensor> {
    let y_shape = four(grad_y.shape());
    let indices = indices.to_layout(Layout::ChannelsLast)?;
    grad_of_x(x_shape, grad_y, |grad_y, grad_x| {
        let (context, from, to) = (grad_y.context(), grad_y.buffer(), grad_x.buffer());
        pooling::max_pool2d_backward(context, pool, x_shape, y_shape, indices.buffer(), from, to)
    })
}

/// A mean or a sum.
pub(super) fn average(kind: PoolKind, pool: &Pool2d, x: &Tensor, shape: [usize; 4]) -> Result<Tensor> {
    let x = x.to_layout(Layout::ChannelsLast)?;
    let pool = if kind == PoolKind::Sum { summing(pool) } else { *pool };
    let y = Tensor::empty(x.context(), &shape, DType::F32, Layout::ChannelsLast)?;
    let (op, x_shape) = (kind.name(), four(x.shape()));
    pooling::avg_pool2d(x.context(), op, &pool, x_shape, shape, x.buffer(), y.buffer())?;
    Ok(y)
}

pub(super) fn average_backward(
    op: &'static str,
    pool: &Pool2d,
    x_shape: [usize; 4],
    grad_y: &Tensor,
) -> Result<Tensor> {
    let y_shape = four(grad_y.shape());
    grad_of_x(x_shape, grad_y, |grad_y, grad_x| {
        let (from, to) = (grad_y.buffer(), grad_x.buffer());
        pooling::avg_pool2d_backward(grad_y.context(), op, pool, x_shape, y_shape, from, to)
    })
}

pub(super) fn adaptive(pool: AdaptiveAvgPool2d, x: &Tensor, shape: [usize; 4]) -> Result<Tensor> {
    let (op, x_shape) = ("adaptive_avg_pool2d", four(x.shape()));
    let x = x.to_layout(Layout::ChannelsLast)?;
    let y = Tensor::empty(x.context(), &shape, DType::F32, Layout::ChannelsLast)?;
    if pool.output == [1, 1] {
        let [batch, channels, height, width] = x_shape;
        let (dims, scale) = ([batch, height * width, channels], 1.0 / (height * width) as f32);
        pooling::sum_rows(x.context(), op, dims, scale, x.buffer(), y.buffer())?;
    } else if let Some(pool) = even_windows(pool, x_shape) {
        pooling::avg_pool2d(x.context(), op, &pool, x_shape, shape, x.buffer(), y.buffer())?;
    } else {
        pooling::adaptive_avg_pool2d(x.context(), x_shape, shape, x.buffer(), y.buffer())?;
    }
    Ok(y)
}

pub(super) fn adaptive_backward(
    pool: AdaptiveAvgPool2d,
    x_shape: [usize; 4],
    grad_y: &Tensor,
) -> Result<Tensor> {
    let (op, y_shape) = ("adaptive_avg_pool2d_backward", four(grad_y.shape()));
    grad_of_x(x_shape, grad_y, |grad_y, grad_x| {
        let (context, from, to) = (grad_y.context(), grad_y.buffer(), grad_x.buffer());
        match even_windows(pool, x_shape) {
            Some(pool) => pooling::avg_pool2d_backward(context, op, &pool, x_shape, y_shape, from, to),
            None => pooling::adaptive_avg_pool2d_backward(context, x_shape, y_shape, from, to),
        }
    })
}

/// A sum is an average whose divisor is 1.
pub(super) fn summing(pool: &Pool2d) -> Pool2d {
    Pool2d { divisor_override: Some(1), ..*pool }
}

/// The ordinary pooling that an adaptive one is where its windows are all alike: it computes fewer window bounds.
fn even_windows(pool: AdaptiveAvgPool2d, [_, _, height, width]: [usize; 4]) -> Option<Pool2d> {
    let [rows, columns] = pool.output;
    let even = height.is_multiple_of(rows) && width.is_multiple_of(columns);
    let kernel = [height / rows, width / columns];
    let divisor_override = Some(kernel[0] * kernel[1]);
    even.then(|| Pool2d { divisor_override, ..Pool2d::new(kernel) })
}

/// Brings `grad_y` channels-last, and lets `launch` fill the gradient of x.
fn grad_of_x(
    x_shape: [usize; 4],
    grad_y: &Tensor,
    launch: impl FnOnce(&Tensor, &Tensor) -> tilewright_runtime::Result<()>,
) -> Result<Tensor> {
    let grad_y = grad_y.to_layout(Layout::ChannelsLast)?;
    let grad_x = Tensor::empty(grad_y.context(), &x_shape, DType::F32, Layout::ChannelsLast)?;
    launch(&grad_y, &grad_x)?;
    Ok(grad_x)
}
