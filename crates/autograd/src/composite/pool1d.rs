//! Pooling over one axis.

use tilewright_tensor::composite::{Pool1d, pool1d};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// The largest element of each window of N C L; see [`tilewright_tensor::Tensor::max_pool1d`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::max_pool1d`].
    pub fn max_pool1d(&self, pool: &Pool1d) -> Result<Self, Error> {
        pool1d::max_pool1d(self, pool)
    }

    /// The mean of each window of N C L; see [`tilewright_tensor::Tensor::avg_pool1d`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::avg_pool1d`].
    pub fn avg_pool1d(&self, pool: &Pool1d) -> Result<Self, Error> {
        pool1d::avg_pool1d(self, pool)
    }

    /// (Σ |x|ᵖ)^(1/p) of each window of N C L; see [`tilewright_tensor::Tensor::lp_pool1d`]. Without a gradient where a
    /// window is all zeros.
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::lp_pool1d`].
    pub fn lp_pool1d(&self, p: u32, pool: &Pool1d) -> Result<Self, Error> {
        pool1d::lp_pool1d(self, p, pool)
    }

    /// The means of `output` windows of N C L; see [`tilewright_tensor::Tensor::adaptive_avg_pool1d`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::adaptive_avg_pool1d`].
    pub fn adaptive_avg_pool1d(&self, output: usize) -> Result<Self, Error> {
        pool1d::adaptive_avg_pool1d(self, output)
    }

    /// The maxima of `output` windows of N C L; see [`tilewright_tensor::Tensor::adaptive_max_pool1d`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::adaptive_max_pool1d`].
    pub fn adaptive_max_pool1d(&self, output: usize) -> Result<Self, Error> {
        pool1d::adaptive_max_pool1d(self, output)
    }
}
