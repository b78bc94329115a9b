//! Matrix product and linear layer.

use tilewright_ops::MatMul;
use tilewright_tensor::Tensor;

use crate::{Result, Var};

impl Var {
    /// `self · other` over the last two axes, batch axes broadcasting. Saves both.
    pub fn matmul(&self, other: &Self) -> Result<Self> {
        self.matmul_with(other, MatMul::default())
    }

    /// As [`Self::matmul`], with either operand transposed in its last two axes.
    pub fn matmul_with(&self, other: &Self, op: MatMul) -> Result<Self> {
        let (a, b) = (self.tensor().clone(), other.tensor().clone());
        let y = a.matmul_with(&b, &op, None, None)?;
        Ok(Self::custom("matmul", &[self, other], y, move |grad_y, needs| {
            let grad_a = needs[0].then(|| Tensor::matmul_backward_left(a.shape(), &b, &op, grad_y));
            let grad_b = needs[1].then(|| Tensor::matmul_backward_right(&a, b.shape(), &op, grad_y));
            Ok(vec![grad_a.transpose()?, grad_b.transpose()?])
        }))
    }

    /// `self · weightᵀ + bias`: `self` is `[N, in]`, `weight` `[out, in]`, `bias` `[out]`. Saves `self` and `weight`.
    pub fn linear(&self, weight: &Self, bias: Option<&Self>) -> Result<Self> {
        let (x, w) = (self.tensor().clone(), weight.tensor().clone());
        let y = x.linear(&w, bias.map(Self::tensor))?;
        let mut inputs = vec![self, weight];
        inputs.extend(bias);
        Ok(Self::custom("linear", &inputs, y, move |grad_y, needs| {
            let op = MatMul { transpose_right: true, ..MatMul::default() };
            let grad_x = needs[0].then(|| Tensor::matmul_backward_left(x.shape(), &w, &op, grad_y));
            let grad_w = needs[1].then(|| Tensor::matmul_backward_right(&x, w.shape(), &op, grad_y));
            let mut gradients = vec![grad_x.transpose()?, grad_w.transpose()?];
            if let Some(&wanted) = needs.get(2) {
                gradients.push(wanted.then(|| grad_y.sum_to_shape(&[w.shape()[0]])).transpose()?);
            }
            Ok(gradients)
        }))
    }
}
