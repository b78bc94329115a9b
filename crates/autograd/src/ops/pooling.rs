//! Pooling.

use tilewright_ops::{AdaptiveAvgPool2d, Pool2d};
use tilewright_tensor::Tensor;

use crate::{Result, Var};

impl Var {
    /// The largest element of each window. Saves where it was.
    pub fn max_pool2d(&self, pool: &Pool2d) -> Result<Self> {
        if !self.needs_gradient() {
            return Ok(Self::constant(self.tensor().max_pool2d_values(pool)?));
        }
        let x_shape = self.tensor().shape4("max_pool2d", "x")?;
        let (y, indices) = self.tensor().max_pool2d(pool)?;
        let pool = *pool;
        Ok(Self::custom("max_pool2d", &[self], y, move |grad_y, _| {
            Ok(vec![Some(Tensor::max_pool2d_backward(&pool, &x_shape, &indices, grad_y)?)])
        }))
    }

    /// The mean of each window. Saves nothing.
    pub fn avg_pool2d(&self, pool: &Pool2d) -> Result<Self> {
        let x_shape = self.tensor().shape4("avg_pool2d", "x")?;
        let y = self.tensor().avg_pool2d(pool)?;
        let pool = *pool;
        Ok(Self::custom("avg_pool2d", &[self], y, move |grad_y, _| {
            Ok(vec![Some(Tensor::avg_pool2d_backward(&pool, &x_shape, grad_y)?)])
        }))
    }

    /// The sum of each window. Saves nothing.
    pub fn sum_pool2d(&self, pool: &Pool2d) -> Result<Self> {
        let x_shape = self.tensor().shape4("sum_pool2d", "x")?;
        let y = self.tensor().sum_pool2d(pool)?;
        let pool = *pool;
        Ok(Self::custom("sum_pool2d", &[self], y, move |grad_y, _| {
            Ok(vec![Some(Tensor::sum_pool2d_backward(&pool, &x_shape, grad_y)?)])
        }))
    }

    /// The means of as many windows as the output has pixels. Saves nothing.
    pub fn adaptive_avg_pool2d(&self, pool: AdaptiveAvgPool2d) -> Result<Self> {
        let x_shape = self.tensor().shape4("adaptive_avg_pool2d", "x")?;
        let y = self.tensor().adaptive_avg_pool2d(pool)?;
        Ok(Self::custom("adaptive_avg_pool2d", &[self], y, move |grad_y, _| {
            Ok(vec![Some(Tensor::adaptive_avg_pool2d_backward(pool, &x_shape, grad_y)?)])
        }))
    }
}
