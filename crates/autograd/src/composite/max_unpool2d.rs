//! Maxima put back to where they were, and maxima of as many windows as the output has pixels.

use tilewright_ops::Pool2d;
use tilewright_tensor::{
    Tensor,
    composite::{adaptive_max_pool2d, max_unpool2d},
};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// N C OH OW put to where `indices` say in planes of zeros; see [`Tensor::max_unpool2d`]. Saves the indices.
    ///
    /// # Errors
    /// Those of [`Tensor::max_unpool2d`].
    pub fn max_unpool2d(
        &self,
        indices: &Tensor,
        pool: &Pool2d,
        output: Option<[usize; 2]>,
    ) -> Result<Self, Error> {
        max_unpool2d::max_unpool2d(self, indices, pool, output)
    }

    /// The maxima of OH·OW windows that divide N C H W evenly, and where each is; see [`Tensor::adaptive_max_pool2d`].
    ///
    /// # Errors
    /// Those of [`Tensor::adaptive_max_pool2d`].
    pub fn adaptive_max_pool2d(&self, output: [usize; 2]) -> Result<(Self, Tensor), Error> {
        adaptive_max_pool2d::adaptive_max_pool2d(self, output)
    }
}
