//! Matrix products.

use tilewright_ops::MatMul;
use tilewright_tensor::Tensor;

use crate::{var::Rule, var::Var, var::of_one};

/// Saves both operands. A bias has one number for each column.
pub(super) fn matmul(op: MatMul, inputs: &[&Var]) -> Rule {
    let (a, b) = (inputs[0].tensor().clone(), inputs[1].tensor().clone());
    let bias = inputs.get(2).map(|bias| bias.shape().to_vec());
    of_one(move |grad_y, needs| {
        let grad_a = needs[0].then(|| Tensor::matmul_backward_left(a.shape(), &b, &op, grad_y));
        let grad_b = needs[1].then(|| Tensor::matmul_backward_right(&a, b.shape(), &op, grad_y));
        let mut gradients = vec![grad_a.transpose()?, grad_b.transpose()?];
        if let Some((shape, &wanted)) = bias.zip(needs.get(2)) {
            gradients.push(wanted.then(|| grad_y.sum_to_shape(&shape)).transpose()?);
        }
        Ok(gradients)
    })
}
