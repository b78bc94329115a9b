//! Batch normalisation. An activation's operand is computed anew, so that it saves no more than without.

use std::sync::Arc;

use tilewright_ops::{BatchNorm, Op, UnaryOp};
use tilewright_tensor::Tensor;

use crate::{keep::Recipe, var::Rule, var::Var, var::of_one};

/// Saves the input, the mean with its rest, and the inverse deviation. The running statistics have no gradient, and give none.
pub(super) fn train(activation: Option<UnaryOp>, inputs: &[&Var], outputs: &[Tensor]) -> Rule {
    let [x, w, b] = [0, 1, 2].map(|at: usize| inputs[at].tensor().clone());
    let [mean, inv_std, rest] = [1, 2, 5].map(|at: usize| outputs[at].clone());
    of_one(move |grad_y, _| {
        let fused = activation.map(|activation| (activation, &b));
        let (grad_x, grad_w, grad_b) =
            x.batch_norm_train_backward(&w, [&mean, &rest, &inv_std], fused, grad_y)?;
        Ok(vec![Some(grad_x), Some(grad_w), Some(grad_b), None, None])
    })
}

/// The normalised values, by the whole operation once more: its operands are what [`train`] saves, and the running statistics.
pub(super) fn again(op: &Op, inputs: &[&Var]) -> Recipe {
    let (op, operands) = (op.clone(), inputs.iter().map(|input| input.tensor().clone()));
    let operands: Vec<Tensor> = operands.collect();
    Arc::new(move || Ok(Tensor::run_one(&op, &operands.iter().collect::<Vec<_>>())?))
}

/// Saves the input and the statistics, which have no gradient.
pub(super) fn eval(op: BatchNorm, activation: Option<UnaryOp>, inputs: &[&Var]) -> Rule {
    let [x, w, b, mean, var] = [0, 1, 2, 3, 4].map(|at: usize| inputs[at].tensor().clone());
    of_one(move |grad_y, _| {
        let fused = activation.map(|activation| (activation, &b));
        let (grad_x, grad_w, grad_b) = x.batch_norm_eval_backward(&w, &mean, &var, &op, fused, grad_y)?;
        Ok(vec![Some(grad_x), Some(grad_w), Some(grad_b), None, None])
    })
}
