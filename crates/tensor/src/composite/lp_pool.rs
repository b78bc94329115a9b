//! The p-norm of windows.

use tilewright_ops::{BinaryOp, Pool2d, UnaryOp};

use super::operand::{Operand, parameter};
use super::pool3d::{Pool3d, sum_pool3d};
use crate::error::Error;
use crate::tensor::Tensor;

/// (Σ |x|ᵖ)^(1/p) of each window of N C D H W.
pub fn lp_pool3d<V: Operand>(x: &V, p: u32, pool: &Pool3d) -> Result<V, V::Error> {
    powered(x, p, |x| sum_pool3d(x, pool))
}

/// (Σ |x|ᵖ)^(1/p) of each window of N C H W.
pub fn lp_pool2d<V: Operand>(x: &V, p: u32, pool: &Pool2d) -> Result<V, V::Error> {
    powered(x, p, |x| x.sum_pool2d(pool))
}

fn powered<V: Operand>(x: &V, p: u32, sums: impl FnOnce(&V) -> Result<V, V::Error>) -> Result<V, V::Error> {
    match p {
        0 => Err(parameter::<V>("lp_pool", "p", p, "it must be positive")),
        1 => sums(&x.unary(UnaryOp::Abs)?),
        2 => sums(&x.unary(UnaryOp::Square)?)?.unary(UnaryOp::Sqrt),
        _ => {
            let power = |x: &V, by: f32| x.binary(BinaryOp::Pow, &x.values(&[by], &[])?);
            power(&sums(&power(&x.unary(UnaryOp::Abs)?, p as f32)?)?, 1.0 / p as f32)
        }
    }
}

impl Tensor {
    /// (Σ |x|ᵖ)^(1/p) of each window of N C H W: `torch.nn.functional.lp_pool2d`.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Parameter`] for a p of 0; those of [`Tensor::sum_pool2d`].
    pub fn lp_pool2d(&self, p: u32, pool: &Pool2d) -> Result<Self, Error> {
        lp_pool2d(self, p, pool)
    }

    /// (Σ |x|ᵖ)^(1/p) of each window of N C D H W, whose padding may differ from side to side.
    ///
    /// # Errors
    /// As [`Tensor::lp_pool2d`]; [`tilewright_ops::ShapeError::Rank`] without five axes.
    pub fn lp_pool3d(&self, p: u32, pool: &Pool3d) -> Result<Self, Error> {
        lp_pool3d(self, p, pool)
    }
}
