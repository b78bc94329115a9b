//! Batch normalisation. An activation's operand is computed anew, so that it saves no more than without.

use tilewright_ops::{BatchNorm, Gradient, Op, UnaryOp};
use tilewright_tensor::Tensor;

use super::rule::run_over;
use crate::{keep::Recipe, var::Rule, var::Var, var::of_one};

/// Saves the input, the mean with its rest, and the inverse deviation. The running statistics have no gradient, and give none.
pub(super) fn train(activation: Option<UnaryOp>, inputs: &[&Var], outputs: &[Tensor]) -> Rule {
    let [x, w, b] = [0, 1, 2].map(|at: usize| inputs[at].tensor().clone());
    let [mean, inv_std, rest] = [1, 2, 5].map(|at: usize| outputs[at].clone());
    of_one(move |grad_y, _| {
        let mut inputs = vec![&x, &w, &mean, &inv_std, grad_y, &rest];
        inputs.extend(activation.map(|_| &b));
        let found = run_over(Gradient::BatchNormTrain { activation }, &inputs, 4)?;
        Ok(found.into_iter().map(Some).chain([None, None]).collect())
    })
}

/// The normalised values, from what [`train`] saves.
pub(super) fn again(activation: Option<UnaryOp>, inputs: &[&Var], outputs: &[Tensor]) -> Recipe {
    let op = Op::Gradient(Gradient::BatchNormAgain { activation });
    let statistics = [1, 2, 5].map(|at: usize| outputs[at].clone());
    let operands: Vec<_> = inputs[..3].iter().map(|input| input.tensor().clone()).chain(statistics).collect();
    Recipe::new(move || Ok(Tensor::run_one(&op, &operands.iter().collect::<Vec<_>>())?))
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
