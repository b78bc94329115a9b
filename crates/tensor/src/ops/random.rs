//! Random tensors and dropout. A number is a function of the seed, the stream and the element's row-major index: neither
//! the device nor the layout changes it.

use tilewright_kernels::random::{self, Distribution};
use tilewright_ops::{DType, Dropout, Op};
use tilewright_runtime::Context;

use crate::{error::Result, layout::Layout, tensor::Tensor};

impl Tensor {
    /// Numbers evenly spread over [0, 1), in steps of 2⁻²⁴. The same on every device, and on the scalar reference.
    pub fn uniform(context: &Context, shape: &[usize], seed: u64, stream: u64) -> Result<Self> {
        Self::random(context, Distribution::Uniform, shape, seed, stream)
    }

    /// Normal numbers with mean 0 and variance 1. Devices differ in the last bits, as their logarithms and roots do.
    pub fn normal(context: &Context, shape: &[usize], seed: u64, stream: u64) -> Result<Self> {
        Self::random(context, Distribution::Normal, shape, seed, stream)
    }

    /// Drops each element with probability `p` and multiplies the others by 1 / (1 − p); see [`Dropout`]. Same shape and
    /// layout. Draw each mask from its own stream.
    ///
    /// # Errors
    /// Those of [`Dropout::check`]; [`crate::Error::DType`] unless f32.
    pub fn dropout(&self, op: &Dropout, seed: u64, stream: u64) -> Result<Self> {
        Self::run_one(&Op::Dropout { op: *op, seed, stream }, &[self])
    }

    /// The gradient of x, where `self` is grad_y: the same mask, drawn again from the seed and stream of the forward call.
    ///
    /// # Errors
    /// As [`Self::dropout`].
    pub fn dropout_backward(&self, op: &Dropout, seed: u64, stream: u64) -> Result<Self> {
        self.dropout(op, seed, stream)
    }

    fn random(
        context: &Context,
        distribution: Distribution,
        shape: &[usize],
        seed: u64,
        stream: u64,
    ) -> Result<Self> {
        let y = Self::empty(context, shape, DType::F32, Layout::RowMajor)?;
        random::random_fill(context, distribution, y.buffer(), y.count(), seed, stream)?;
        Ok(y)
    }
}
