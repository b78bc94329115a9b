//! A value that a backward rule reads: held, or made again from what another rule holds anyway.
//!
//! The result of a batch normalisation is as large as its operand, which its own rule holds, and takes two passes over memory to
//! make again. So the convolution behind it holds none, and a network of convolution, normalisation and activation saves one
//! value for each, not two or three (Bulò, Porzi and Kontschieder, arXiv 1712.02616).

use std::sync::Arc;

use tilewright_tensor::Tensor;

use crate::error::Result;

/// How a value is made again, to the same bits.
#[derive(Clone)]
pub(crate) struct Recipe {
    make: Arc<dyn Fn() -> Result<Tensor> + Send + Sync>,
    /// Whether a sum of values is among its steps. A sum of such a sum is held, or a chain of residual blocks would be made again
    /// from its beginning for each of them.
    pub sums: bool,
}

impl Recipe {
    /// By `make`.
    pub fn new(make: impl Fn() -> Result<Tensor> + Send + Sync + 'static) -> Self {
        Self { make: Arc::new(make), sums: false }
    }

    /// The same, with sums among its steps or not.
    pub fn with_sums(self, sums: bool) -> Self {
        Self { sums, ..self }
    }

    /// The value.
    pub fn make(&self) -> Result<Tensor> {
        (self.make)()
    }
}

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
            Self::Again(recipe) => recipe.make(),
        }
    }
}
