//! Lengths of vectors along an axis.

use tilewright_ops::{ReduceOp, UnaryOp};

use crate::composite::operand::Operand;

/// max(‖x‖, least) along `axis`, with extent 1 there. Below the least there is no gradient.
pub(super) fn lengths<V: Operand>(x: &V, axis: usize, least: f32) -> Result<V, V::Error> {
    let squares = x.unary(UnaryOp::Square)?.reduce(ReduceOp::Sum, &[axis], true)?;
    squares.unary(UnaryOp::Clamp { min: least * least, max: f32::MAX })?.unary(UnaryOp::Sqrt)
}

/// x / max(‖x‖, least) along `axis`: `torch.nn.functional.normalize`.
pub(super) fn normalized<V: Operand>(x: &V, axis: usize, least: f32) -> Result<V, V::Error> {
    x.div(&lengths(x, axis, least)?)
}
