//! Dropout.

use tilewright_ops::Dropout;

use crate::{Result, Var};

impl Var {
    /// Sets each element to zero with probability p and scales the rest. Saves nothing: the mask is drawn again from
    /// (seed, stream).
    pub fn dropout(&self, op: &Dropout, seed: u64, stream: u64) -> Result<Self> {
        let y = self.tensor().dropout(op, seed, stream)?;
        let op = *op;
        Ok(Self::custom("dropout", &[self], y, move |grad_y, _| {
            Ok(vec![Some(grad_y.dropout_backward(&op, seed, stream)?)])
        }))
    }
}
