//! Losses.

use tilewright_ops::CrossEntropy;

use crate::{var::Rule, var::Var, var::of_one};

/// Saves the logits, the labels and the class weights; only the logits have a gradient.
pub(super) fn cross_entropy(op: CrossEntropy, inputs: &[&Var]) -> Rule {
    let (logits, labels) = (inputs[0].tensor().clone(), inputs[1].tensor().clone());
    let weights = inputs.get(2).map(|weights| weights.tensor().clone());
    of_one(move |grad_y, needs| {
        let mut gradients = vec![None; needs.len()];
        gradients[0] = Some(logits.cross_entropy_backward(&labels, weights.as_ref(), &op, grad_y)?);
        Ok(gradients)
    })
}
