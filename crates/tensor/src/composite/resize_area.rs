//! Resizing by means over areas.

use tilewright_ops::{AdaptiveAvgPool2d, Op};

use super::operand::Operand;
use crate::error::Error;
use crate::tensor::Tensor;

/// N C H W resized to `size`, each pixel the mean of what it covers.
pub fn resize_area<V: Operand>(x: &V, size: [usize; 2]) -> Result<V, V::Error> {
    V::apply_one(&Op::AdaptiveAvgPool2d(AdaptiveAvgPool2d { output: size }), &[x])
}

impl Tensor {
    /// N C H W resized to `size`, each pixel the mean of what it covers: `torch.nn.functional.interpolate` with
    /// `mode="area"`, which is [`Tensor::adaptive_avg_pool2d`].
    ///
    /// # Errors
    /// Those of [`Tensor::adaptive_avg_pool2d`].
    pub fn resize_area(&self, size: [usize; 2]) -> Result<Self, Error> {
        resize_area(self, size)
    }
}
