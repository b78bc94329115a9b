//! A chain of layers.

use tilewright_autograd::Var;

use crate::{error::Result, module::Layer, pass::Pass, store::Scope, tap::Tap};

/// Layers one behind the other.
#[derive(Default)]
pub struct Sequential {
    layers: Vec<Box<dyn Layer>>,
    tap: Option<Tap>,
}

impl Sequential {
    /// An empty chain, which gives its input.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty chain whose layers' outputs are found under `scope` by their numbers, and its own under `scope` itself
    /// ([`crate::features`]): as PyTorch names the parts of an `nn.Sequential`.
    pub fn under(scope: &Scope) -> Self {
        Self { tap: Some(Tap::new(scope)), ..Self::default() }
    }

    /// The chain with one more layer at its end.
    #[must_use]
    pub fn then(mut self, layer: impl Layer + 'static) -> Self {
        self.layers.push(Box::new(layer));
        self
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
            if let Some(tap) = &self.tap {
                x = tap.give_as(at, x, pass);
            }
        }
        Ok(if let Some(tap) = &self.tap { tap.give(x, pass) } else { x })
    }
}
