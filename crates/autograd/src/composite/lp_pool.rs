//! The p-norm of windows.

use tilewright_ops::Pool2d;
use tilewright_tensor::composite::{Pool3d, lp_pool};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// (Σ |x|ᵖ)^(1/p) of each window of N C H W; see [`tilewright_tensor::Tensor::lp_pool2d`]. Without a gradient where a
    /// window is all zeros.
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::lp_pool2d`].
    pub fn lp_pool2d(&self, p: u32, pool: &Pool2d) -> Result<Self, Error> {
        lp_pool::lp_pool2d(self, p, pool)
    }

    /// (Σ |x|ᵖ)^(1/p) of each window of N C D H W; see [`tilewright_tensor::Tensor::lp_pool3d`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::lp_pool3d`].
    pub fn lp_pool3d(&self, p: u32, pool: &Pool3d) -> Result<Self, Error> {
        lp_pool::lp_pool3d(self, p, pool)
    }
}
