//! Matrix product and linear layer.

use tilewright_ops::{MatMul, Op};

use crate::{error::Result, var::Var};

impl Var {
    /// `self · other` over the last two axes, batch axes broadcasting. Saves both.
    pub fn matmul(&self, other: &Self) -> Result<Self> {
        self.matmul_with(other, MatMul::default())
    }

    /// As [`Self::matmul`], with either operand transposed in its last two axes.
    pub fn matmul_with(&self, other: &Self, op: MatMul) -> Result<Self> {
        Self::run_one(&Op::MatMul { op, bias: false, residual: false, activation: None }, &[self, other])
    }

    /// `self · weightᵀ + bias`: `self` is `[N, in]`, `weight` `[out, in]`, `bias` `[out]`. Saves `self` and `weight`.
    pub fn linear(&self, weight: &Self, bias: Option<&Self>) -> Result<Self> {
        let inputs: Vec<_> = [self, weight].into_iter().chain(bias).collect();
        let op = MatMul { transpose_right: true, ..MatMul::default() };
        Self::run_one(&Op::MatMul { op, bias: bias.is_some(), residual: false, activation: None }, &inputs)
    }
}
