//! Pooling with a border whose sides may differ.

use tilewright_ops::Pool2d;
use tilewright_tensor::composite::bordered_pool2d::{self, Border};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// The largest element of each window of N C H W in a border; see [`tilewright_tensor::Tensor::max_pool2d_bordered`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::max_pool2d_bordered`].
    pub fn max_pool2d_bordered(&self, border: Border, pool: &Pool2d) -> Result<Self, Error> {
        bordered_pool2d::max_pool2d_bordered(self, border, pool)
    }

    /// The sum of each window of N C H W in a border; see [`tilewright_tensor::Tensor::sum_pool2d_bordered`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::sum_pool2d_bordered`].
    pub fn sum_pool2d_bordered(&self, border: Border, pool: &Pool2d) -> Result<Self, Error> {
        bordered_pool2d::sum_pool2d_bordered(self, border, pool)
    }

    /// The mean of each window of N C H W in a border; see [`tilewright_tensor::Tensor::avg_pool2d_bordered`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::avg_pool2d_bordered`].
    pub fn avg_pool2d_bordered(&self, border: Border, pool: &Pool2d) -> Result<Self, Error> {
        bordered_pool2d::avg_pool2d_bordered(self, border, pool)
    }
}
