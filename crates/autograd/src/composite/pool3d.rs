//! Pooling over three axes.

use tilewright_tensor::composite::{Pool3d, pool3d};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// The largest element of each window of N C D H W; see [`tilewright_tensor::Tensor::max_pool3d`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::max_pool3d`].
    pub fn max_pool3d(&self, pool: &Pool3d) -> Result<Self, Error> {
        pool3d::max_pool3d(self, pool)
    }

    /// The sum of each window of N C D H W; see [`tilewright_tensor::Tensor::sum_pool3d`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::sum_pool3d`].
    pub fn sum_pool3d(&self, pool: &Pool3d) -> Result<Self, Error> {
        pool3d::sum_pool3d(self, pool)
    }

    /// The mean of each window of N C D H W; see [`tilewright_tensor::Tensor::avg_pool3d`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::avg_pool3d`].
    pub fn avg_pool3d(&self, pool: &Pool3d) -> Result<Self, Error> {
        pool3d::avg_pool3d(self, pool)
    }
}
