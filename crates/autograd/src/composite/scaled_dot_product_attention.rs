//! Attention.

use tilewright_tensor::composite::{AttentionMask, AttentionOptions, scaled_dot_product_attention};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// Attention of … L E queries over keys with values, with gradients of all three and of a mask that is added; see
    /// [`tilewright_tensor::Tensor::scaled_dot_product_attention`]. Saves the operands, the result and one number for each
    /// query; the way back computes the shares again, as one tensor … L S.
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::scaled_dot_product_attention`].
    pub fn scaled_dot_product_attention(
        &self,
        key: &Self,
        value: &Self,
        mask: Option<AttentionMask<'_, Self>>,
        op: &AttentionOptions,
    ) -> Result<Self, Error> {
        scaled_dot_product_attention::scaled_dot_product_attention(self, key, value, mask, op)
    }
}
