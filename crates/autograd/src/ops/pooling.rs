//! Pooling.

use tilewright_ops::{AdaptiveAvgPool2d, Op, Pool2d};
use tilewright_tensor::Tensor;

use super::results::results;
use crate::{error::Result, var::Var};

impl Var {
    /// The largest element of each window. Saves where it was.
    pub fn max_pool2d(&self, pool: &Pool2d) -> Result<Self> {
        Self::run_one(&Op::MaxPool2d { pool: *pool, indices: false }, &[self])
    }

    /// The largest element of each window, and where it was: the flat index in the H·W plane.
    pub fn max_pool2d_with_indices(&self, pool: &Pool2d) -> Result<(Self, Tensor)> {
        let op = Op::MaxPool2d { pool: *pool, indices: true };
        let [y, indices] = results(&op, Self::run(&op, &[self])?)?;
        Ok((y, indices.tensor().clone()))
    }

    /// The mean of each window. Saves nothing.
    pub fn avg_pool2d(&self, pool: &Pool2d) -> Result<Self> {
        Self::run_one(&Op::AvgPool2d(*pool), &[self])
    }

    /// The sum of each window. Saves nothing.
    pub fn sum_pool2d(&self, pool: &Pool2d) -> Result<Self> {
        Self::run_one(&Op::SumPool2d(*pool), &[self])
    }

    /// The means of as many windows as the output has pixels. Saves nothing.
    pub fn adaptive_avg_pool2d(&self, pool: AdaptiveAvgPool2d) -> Result<Self> {
        Self::run_one(&Op::AdaptiveAvgPool2d(pool), &[self])
    }
}
