//! Quantisation that stays in f32, for training.

use tilewright_ops::{FakeQuantize, Op};
use tilewright_tensor::Tensor;

use crate::{error::Result, var::Var};

impl Var {
    /// [`Tensor::fake_quantize`], of a scale that may be learnt. The gradient goes straight through the rounding to x, and by LSQ's rule to
    /// the scale ([`FakeQuantize`]). Saves x, the scale and the zero point.
    pub fn fake_quantize(&self, op: FakeQuantize, scale: &Self, zero_point: &Tensor) -> Result<Self> {
        Self::run_one(&Op::FakeQuantize(op), &[self, scale, &Self::constant(zero_point.clone())])
    }
}
