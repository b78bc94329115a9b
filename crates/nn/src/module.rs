//! What computes, and a chain of it.

use tilewright_autograd::Var;

use crate::{Pass, Result};

/// A layer or a network.
pub trait Module: Send + Sync {
    /// Computes the output of `x`.
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var>;
}

/// Modules one behind the other.
#[derive(Default)]
pub struct Sequential {
    modules: Vec<Box<dyn Module>>,
}

impl Sequential {
    /// An empty chain, which gives its input.
    pub fn new() -> Self {
        Self::default()
    }

    /// The chain with one more module at its end.
    pub fn then(mut self, module: impl Module + 'static) -> Self {
        self.modules.push(Box::new(module));
        self
    }

    /// How many modules there are.
    pub fn len(&self) -> usize {
        self.modules.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.modules.is_empty()
    }
}

impl Module for Sequential {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let mut x = x.clone();
        for module in &self.modules {
            x = module.forward(&x, pass)?;
        }
        Ok(x)
    }
}
