//! A chain of layers.

use tilewright_autograd::Var;

use crate::{checkpointed::Checkpointed, error::Result, module::Layer, pass::Pass};

/// Layers one behind the other.
#[derive(Default)]
pub struct Sequential {
    layers: Vec<Box<dyn Layer>>,
}

impl Sequential {
    /// An empty chain, which gives its input.
    pub fn new() -> Self {
        Self::default()
    }

    /// The chain with one more layer at its end.
    #[must_use]
    pub fn then(mut self, layer: impl Layer + 'static) -> Self {
        self.layers.push(Box::new(layer));
        self
    }

    /// The chain in `segments` parts of about as many layers, each of which saves its input alone in training
    /// ([`Checkpointed`]). With the square root of the number of layers the memory is least.
    #[must_use]
    pub fn checkpointed(self, segments: usize) -> Self {
        let (mut left, mut layers) = (self.layers.len(), self.layers.into_iter());
        let mut chain = Self::new();
        for remaining in (1..=segments.max(1)).rev() {
            let count = left.div_ceil(remaining);
            left -= count;
            if count > 0 {
                let part = Self { layers: layers.by_ref().take(count).collect() };
                chain.layers.push(Box::new(Checkpointed::new(part)));
            }
        }
        chain
    }

    /// Puts one more layer at the end.
    pub fn push(&mut self, layer: impl Layer + 'static) {
        self.layers.push(Box::new(layer));
    }

    /// How many layers there are.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }
}

impl Layer for Sequential {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let mut x = x.clone();
        for layer in &self.layers {
            x = layer.forward(&x, pass)?;
        }
        Ok(x)
    }
}
