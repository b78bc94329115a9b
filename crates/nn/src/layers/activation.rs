//! Activations: the unary operations as modules.

use tilewright_autograd::Var;
use tilewright_ops::UnaryOp;

use crate::{error::Result, module::Layer, pass::Pass};

/// An elementwise function, such as `Activation(UnaryOp::Relu)`.
#[derive(Clone, Copy, Debug)]
pub struct Activation(pub UnaryOp);

impl Layer for Activation {
    fn forward(&self, x: &Var, _: &Pass) -> Result<Var> {
        Ok(x.unary(self.0)?)
    }
}
