//! Flattening before a linear layer.

use tilewright_autograd::Var;

use crate::{error::Result, module::Layer, pass::Pass};

/// Merges every axis behind the batch.
#[derive(Clone, Copy, Debug)]
pub struct Flatten;

impl Layer for Flatten {
    fn forward(&self, x: &Var, _: &Pass) -> Result<Var> {
        Ok(x.flatten(1)?)
    }
}
