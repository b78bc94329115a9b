//! An operation as a value, of variables.

use tilewright::{
    Var,
    autograd::{self, Error},
    ops::Op,
};

/// `op` of `x`, in the order that [`Op`] lists its operands; `None` for one that gives no gradient.
pub fn run(op: &Op, x: &[Var]) -> Option<autograd::Result<Var>> {
    match Var::run_one(op, &x.iter().collect::<Vec<_>>()) {
        Err(Error::NoGradient { .. }) => None,
        Ok(y) if !y.needs_gradient() && x.iter().any(Var::needs_gradient) => None,
        outcome => Some(outcome),
    }
}
