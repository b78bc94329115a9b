//! Dropout.

use tilewright_ops::{Dropout, Op};

use crate::{error::Result, var::Var};

impl Var {
    /// Sets each element to zero with probability p and scales the rest. Saves nothing: the mask is drawn again from
    /// (seed, stream).
    pub fn dropout(&self, op: &Dropout, seed: u64, stream: u64) -> Result<Self> {
        Self::run_one(&Op::Dropout { op: *op, seed, stream }, &[self])
    }
}
