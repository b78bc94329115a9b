//! Pooling.

use tilewright_ops::{AdaptiveAvgPool2d, Pool2d};
use tilewright_tensor::Tensor;

use super::rule::simple;
use crate::{error::Result, var::Rule};

/// Saves where the largest elements were.
pub(super) fn max(pool: Pool2d, x: &Tensor, indices: &Tensor) -> Result<Rule> {
    let (x_shape, indices) = (x.shape4("max_pool2d", "x")?, indices.clone());
    Ok(simple(move |grad_y| Ok(Tensor::max_pool2d_backward(&pool, &x_shape, &indices, grad_y)?)))
}

/// Saves nothing.
pub(super) fn average(pool: Pool2d, x: &Tensor) -> Rule {
    let x_shape = x.shape().to_vec();
    simple(move |grad_y| Ok(Tensor::avg_pool2d_backward(&pool, &x_shape, grad_y)?))
}

/// Saves nothing.
pub(super) fn sum(pool: Pool2d, x: &Tensor) -> Rule {
    let x_shape = x.shape().to_vec();
    simple(move |grad_y| Ok(Tensor::sum_pool2d_backward(&pool, &x_shape, grad_y)?))
}

/// Saves nothing.
pub(super) fn adaptive_average(pool: AdaptiveAvgPool2d, x: &Tensor) -> Rule {
    let x_shape = x.shape().to_vec();
    simple(move |grad_y| Ok(Tensor::adaptive_avg_pool2d_backward(pool, &x_shape, grad_y)?))
}
