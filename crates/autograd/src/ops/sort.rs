//! The largest or smallest elements along an axis.

use tilewright_ops::{Op, TopK};
use tilewright_tensor::Tensor;

use super::results::results;
use crate::{error::Result, var::Var};

impl Var {
    /// The k largest (or smallest) elements along an axis, best first, and their indices along it. Saves the indices.
    pub fn topk(&self, op: TopK) -> Result<(Self, Tensor)> {
        let op = Op::TopK(op);
        let [values, indices] = results(&op, Self::run(&op, &[self])?)?;
        Ok((values, indices.tensor().clone()))
    }
}
