//! Scaled dot-product attention.

use tilewright_ops::Attention;
use tilewright_tensor::Tensor;

use crate::var::{Rule, Var, of_one};

/// Saves the operands, the result and the logarithms of its sums, by which the shares are computed again: nothing of the
/// scores' size (Dao et al., arXiv 2205.14135).
pub(super) fn attention(op: Attention, inputs: &[&Var], outputs: &[Tensor]) -> Rule {
    let saved: Vec<Tensor> = inputs.iter().map(|input| input.tensor().clone()).collect();
    let (y, log_sum) = (outputs[0].clone(), outputs[1].clone());
    of_one(move |grad_y, needs| {
        let wants = [needs[0], needs[1], needs[2], needs.get(3).copied().unwrap_or(false)];
        let operands = [&saved[0], &saved[1], &saved[2]];
        let found = Tensor::attention_backward(op, operands, saved.get(3), [&y, &log_sum, grad_y], wants)?;
        let mut gradients = vec![found.query, found.key, found.value];
        if saved.len() > 3 {
            gradients.push(found.mask);
        }
        Ok(gradients)
    })
}
