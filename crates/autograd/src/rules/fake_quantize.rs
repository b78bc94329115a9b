//! Quantisation that stays in f32.

use tilewright_ops::{FakeQuantize, Gradient, Op};
use tilewright_tensor::Tensor;

use crate::{var::Rule, var::Var, var::of_one};

/// Saves the operands. The zero point is a whole number and has no gradient.
pub(super) fn fake_quantize(op: FakeQuantize, inputs: &[&Var]) -> Rule {
    let [x, scale, zero_point] = [0, 1, 2].map(|at: usize| inputs[at].tensor().clone());
    of_one(move |grad_y, needs| {
        let wants = [needs[0], needs[1]];
        let gradient = Op::Gradient(Gradient::FakeQuantize { op, wants });
        let mut found = Tensor::run(&gradient, &[&x, &scale, &zero_point, grad_y])?.into_iter();
        let grad_x = if wants[0] { found.next() } else { None };
        let grad_scale = if wants[1] { found.next() } else { None };
        let grad_scale = match grad_scale {
            Some(each) if op.axis.is_some() => {
                let others: Vec<_> = (0..x.rank()).filter(|&axis| op.axis != Some(axis)).collect();
                // Of one axis alone each number has its own scale; no axes would mean all.
                Some(if others.is_empty() { each } else { each.sum(&others, false)? })
            }
            Some(each) => Some(each.sum_to_shape(&[])?),
            None => None,
        };
        Ok(vec![grad_x, grad_scale, None])
    })
}
