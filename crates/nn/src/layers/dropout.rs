//! Dropout (Srivastava et al., 2014).

use tilewright_autograd::Var;
use tilewright_ops as ops;

use crate::{error::Result, module::Layer, pass::Pass};

/// In training, sets each element to zero with probability `p` and scales the rest by 1 / (1 − p).
#[derive(Clone, Copy, Debug)]
pub struct Dropout(ops::Dropout);

impl Dropout {
    /// Drops with probability `p`.
    ///
    /// # Errors
    /// A shape error if `p` is not within 0..=1.
    pub fn new(p: f32) -> Result<Self> {
        let op = ops::Dropout { p };
        op.check()?;
        Ok(Self(op))
    }
}

impl Layer for Dropout {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        if !pass.is_training() {
            return Ok(x.clone());
        }
        let (seed, stream) = pass.draw();
        Ok(x.dropout(&self.0, seed, stream)?)
    }
}
