//! Elements replaced by one value.

use super::operand::Operand;
use crate::error::Error;
use crate::tensor::Tensor;

/// `value` where `mask` is not 0, else x; both are broadcast.
pub fn masked_fill<V: Operand>(x: &V, mask: &Tensor, value: f32) -> Result<V, V::Error> {
    x.values(&[value], &[])?.where_on(mask, x)
}

impl Tensor {
    /// `value` where `mask` (f32 or i32) is not 0, else this tensor's elements, both broadcast: `torch.masked_fill`.
    ///
    /// # Errors
    /// Those of [`Tensor::where_on`].
    pub fn masked_fill(&self, mask: &Self, value: f32) -> Result<Self, Error> {
        masked_fill(self, mask, value)
    }
}
