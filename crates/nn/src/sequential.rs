//! A chain of layers.

use tilewright_autograd::Var;

use crate::{checkpointed::Checkpointed, error::Result, module::Layer, pass::Pass, store::Scope, tap::Tap};

/// Layers one behind the other.
#[derive(Default)]
pub struct Sequential {
    layers: Vec<Box<dyn Layer>>,
    /// Where the outputs of the layers are found, and the number of the first one.
    numbers: Option<(Tap, usize)>,
    /// Where the output of the whole chain is found.
    whole: Option<Tap>,
}

impl Sequential {
    /// An empty chain, which gives its input.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty chain whose layers' outputs are found under `scope` by their numbers, and its own under `scope` itself
    /// ([`crate::features`]): as PyTorch names the parts of an `nn.Sequential`.
    pub fn under(scope: &Scope) -> Self {
        let tap = Tap::new(scope);
        Self { numbers: Some((tap.clone(), 0)), whole: Some(tap), ..Self::default() }
    }

    /// An empty chain whose output is found under `scope`; its layers report their own, under whatever names.
    pub fn at(scope: &Scope) -> Self {
        Self { whole: Some(Tap::new(scope)), ..Self::default() }
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
        let mut chain = Self { whole: self.whole, ..Self::default() };
        let mut numbers = self.numbers;
        for remaining in (1..=segments.max(1)).rev() {
            let count = left.div_ceil(remaining);
            left -= count;
            if count > 0 {
                let part = Self {
                    layers: layers.by_ref().take(count).collect(),
                    numbers: numbers.clone(),
                    whole: None,
                };
                numbers = numbers.map(|(tap, first)| (tap, first + count));
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
        for (at, layer) in self.layers.iter().enumerate() {
            x = layer.forward(&x, pass)?;
            if let Some((tap, first)) = &self.numbers {
                x = tap.give_as(first + at, x, pass);
            }
        }
        Ok(if let Some(tap) = &self.whole { tap.give(x, pass) } else { x })
    }
}
