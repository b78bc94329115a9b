//! Matrix product and linear layer.

use tilewright_ops::MatMul;

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
            let MatMul { transpose_left: ta, transpose_right: tb } = op;
            let product = |left: &_, tl, right: &_, tr| {
                let op = MatMul { transpose_left: tl, transpose_right: tr };
                tilewright_tensor::Tensor::matmul_with(left, right, &op, None, None)
            };
            // With A' and B' as they enter the product: dA' = dY·B'ᵀ, dB' = A'ᵀ·dY; a transposed operand gets the
            // transpose of that.
            let grad_a = || if ta { product(&b, tb, grad_y, true) } else { product(grad_y, false, &b, !tb) };
            let grad_b = || if tb { product(grad_y, true, &a, ta) } else { product(&a, !ta, grad_y, false) };
            let grad_a = needs[0].then(|| grad_a()?.sum_to_shape(a.shape())).transpose()?;
            let grad_b = needs[1].then(|| grad_b()?.sum_to_shape(b.shape())).transpose()?;
            Ok(vec![grad_a, grad_b])
        }))
    }

    /// `self · weightᵀ + bias`: `self` is [N, in], `weight` [out, in], `bias` [out]. Saves `self` and `weight`.
    pub fn linear(&self, weight: &Self, bias: Option<&Self>) -> Result<Self> {
        let (x, w) = (self.tensor().clone(), weight.tensor().clone());
        let y = x.linear(&w, bias.map(Self::tensor))?;
        let mut inputs = vec![self, weight];
        inputs.extend(bias);
        Ok(Self::custom("linear", &inputs, y, move |grad_y, needs| {
            let plain = MatMul::default();
            let left = MatMul { transpose_left: true, transpose_right: false };
            let grad_x = needs[0].then(|| grad_y.matmul_with(&w, &plain, None, None)).transpose()?;
            let grad_w = needs[1].then(|| grad_y.matmul_with(&x, &left, None, None)).transpose()?;
            let mut gradients = vec![grad_x, grad_w];
            if let Some(&wanted) = needs.get(2) {
                gradients.push(wanted.then(|| grad_y.sum_to_shape(&[w.shape()[0]])).transpose()?);
            }
            Ok(gradients)
        }))
    }
}
