//! Running sums along an axis.

use tilewright_ops::{CumSum, Op};

use crate::{error::Result, var::Var};

impl Var {
    /// Running sums along an axis. Saves nothing.
    pub fn cumsum(&self, op: &CumSum) -> Result<Self> {
        Self::run_one(&Op::CumSum(*op), &[self])
    }
}
