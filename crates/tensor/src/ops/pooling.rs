//! Pooling: maximum, average and sum over windows, adaptive and global averages, with their gradients.
//!
//! Operands are N C H W; results lie channels-last.

use tilewright_ops::{AdaptiveAvgPool2d, Gradient, Op, Pool2d, Pooling, ShapeError};

use super::results::results;
use crate::{error::Result, tensor::Tensor};

impl Tensor {
    /// The maximum of each window, N C OH OW, and where it was found: an i32 tensor of the same shape with the flat
    /// index in the H·W plane, as PyTorch gives it. The first of equal elements in row-major order wins.
    pub fn max_pool2d(&self, pool: &Pool2d) -> Result<(Self, Self)> {
        let op = Op::MaxPool2d { pool: *pool, indices: true };
        let [y, indices] = results(&op, Self::run(&op, &[self])?)?;
        Ok((y, indices))
    }

    /// The maximum of each window alone, for inference: [`Self::max_pool2d`] without the indices.
    pub fn max_pool2d_values(&self, pool: &Pool2d) -> Result<Self> {
        Self::run_one(&Op::MaxPool2d { pool: *pool, indices: false }, &[self])
    }

    /// The pooling that is given as a value; of a maximum the values alone.
    ///
    /// # Errors
    /// Those of [`Pooling::output_shape`].
    pub fn pool2d(&self, pooling: &Pooling) -> Result<Self> {
        Self::run_one(&pooling.op(), &[self])
    }

    /// The gradient of the input of shape `x_shape` (N C H W) through [`Self::max_pool2d`]: each element of `grad_y`
    /// goes to the pixel that `indices` names, and overlapping windows add up. An index outside its window is ignored.
    pub fn max_pool2d_backward(
        pool: &Pool2d,
        x_shape: &[usize],
        indices: &Self,
        grad_y: &Self,
    ) -> Result<Self> {
        let x_shape = four("max_pool2d_backward", x_shape)?;
        Self::run_one(&Op::Gradient(Gradient::MaxPool2d { pool: *pool, x_shape }), &[indices, grad_y])
    }

    /// The mean of each window, N C OH OW; [`Pool2d`] says what its divisor is.
    pub fn avg_pool2d(&self, pool: &Pool2d) -> Result<Self> {
        Self::run_one(&Op::AvgPool2d(*pool), &[self])
    }

    /// The sum of each window, N C OH OW.
    pub fn sum_pool2d(&self, pool: &Pool2d) -> Result<Self> {
        Self::run_one(&Op::SumPool2d(*pool), &[self])
    }

    /// The gradient of the input of shape `x_shape` (N C H W) through [`Self::avg_pool2d`].
    pub fn avg_pool2d_backward(pool: &Pool2d, x_shape: &[usize], grad_y: &Self) -> Result<Self> {
        let x_shape = four("avg_pool2d_backward", x_shape)?;
        Self::run_one(&Op::Gradient(Gradient::AvgPool2d { pool: *pool, x_shape }), &[grad_y])
    }

    /// The gradient of the input of shape `x_shape` (N C H W) through [`Self::sum_pool2d`].
    pub fn sum_pool2d_backward(pool: &Pool2d, x_shape: &[usize], grad_y: &Self) -> Result<Self> {
        let x_shape = four("sum_pool2d_backward", x_shape)?;
        Self::run_one(&Op::Gradient(Gradient::SumPool2d { pool: *pool, x_shape }), &[grad_y])
    }

    /// The mean of each of OH·OW windows that divide the image evenly, N C OH OW.
    pub fn adaptive_avg_pool2d(&self, pool: AdaptiveAvgPool2d) -> Result<Self> {
        Self::run_one(&Op::AdaptiveAvgPool2d(pool), &[self])
    }

    /// The gradient of the input of shape `x_shape` (N C H W) through [`Self::adaptive_avg_pool2d`].
    pub fn adaptive_avg_pool2d_backward(
        pool: AdaptiveAvgPool2d,
        x_shape: &[usize],
        grad_y: &Self,
    ) -> Result<Self> {
        let x_shape = four("adaptive_avg_pool2d_backward", x_shape)?;
        Self::run_one(&Op::Gradient(Gradient::AdaptiveAvgPool2d { pool, x_shape }), &[grad_y])
    }

    /// The mean of each image and channel, N C 1 1.
    pub fn global_avg_pool2d(&self) -> Result<Self> {
        self.adaptive_avg_pool2d(AdaptiveAvgPool2d { output: [1, 1] })
    }

    /// The gradient of the input of shape `x_shape` (N C H W) through [`Self::global_avg_pool2d`].
    pub fn global_avg_pool2d_backward(x_shape: &[usize], grad_y: &Self) -> Result<Self> {
        Self::adaptive_avg_pool2d_backward(AdaptiveAvgPool2d { output: [1, 1] }, x_shape, grad_y)
    }
}

/// Four extents.
pub(super) fn four(op: &'static str, shape: &[usize]) -> Result<[usize; 4]> {
    shape.try_into().map_err(|_| {
        let shape = shape.to_vec();
        ShapeError::Rank { op, operand: "x_shape", shape, expected: "four (N C H W)" }.into()
    })
}
