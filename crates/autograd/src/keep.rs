//! A value that a backward rule reads: held, or made again from what another rule holds anyway.
//!
//! The result of a batch normalisation is as large as its operand, which its own rule holds, and takes two passes over memory to
//! make again. So the convolution behind it holds none, and a network of convolution, normalisation and activation saves one
//! value for each, not two or three (Bulò, Porzi and Kontschieder, arXiv 1712.02616).

use std::sync::Arc;

use tilewright_tensor::Tensor;

use crate::error::Result;

/// How a value is made again, to the same bits.
pub(crate) type Recipe = Arc<dyn Fn() -> Result<Tensor> + Send + Sync>;

/// A value for a rule.
pub(crate) enum Kept {
    /// In memory.
    Held(Tensor),
    /// To be made again.
    Again(Recipe),
}

impl Kept {
    /// The value; made again where it is not held.
    pub fn get(&self) -> Result<Tensor> {
        match self {
            Self::Held(tensor) => Ok(tensor.clone()),
            Self::Again(recipe) => recipe(),
        }
    }
}
