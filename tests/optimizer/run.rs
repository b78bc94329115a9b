//! One step of any optimizer, on a device and by the reference. The state has three slots, of which each takes what it needs.

use tilewright::{
    Tensor,
    tensor::{
        Result,
        ops::optimizer::{AdamState, RmsPropState, adam_step, adamw_step, lamb_step, rmsprop_step, sgd_step},
    },
};
use tilewright_reference::{golden::Operation, optimizer as reference};

/// What the goldens call the slots.
pub const ROLES: [&str; 6] = ["buffer", "first", "second", "largest", "square", "mean"];

/// Which slot has that role.
pub fn golden_role(op: &Operation, role: &str) -> usize {
    match (op, role) {
        (Operation::RmsProp(_), "buffer") | (_, "largest") => 2,
        (_, "second" | "mean") => 1,
        _ => 0,
    }
}

/// Step number `step`, the first of which is 1.
pub fn on_device(
    op: &Operation,
    param: &Tensor,
    grad: &Tensor,
    slots: &[Tensor; 3],
    step: u32,
) -> Result<()> {
    let [a, b, c] = slots;
    match op {
        Operation::Sgd(op) => sgd_step(param, grad, Some(a), step == 1, op),
        Operation::AdamW(op) => adamw_step(param, grad, a, b, step, op),
        Operation::Lamb(op) => lamb_step(param, grad, a, b, step, op),
        Operation::Adam(op) => {
            let largest_second_moment = op.amsgrad.then_some(c);
            let kept = AdamState { first_moment: a, second_moment: b, largest_second_moment };
            adam_step(param, grad, kept, step, op)
        }
        Operation::RmsProp(op) => {
            let mean = op.centered.then_some(b);
            let momentum_buffer = (op.momentum != 0.0).then_some(c);
            rmsprop_step(param, grad, RmsPropState { square: a, mean, momentum_buffer }, op)
        }
        other => panic!("{other:?} is no optimizer"),
    }
}

/// A parameter and its state on the host.
pub struct Host {
    pub parameter: Vec<f32>,
    pub slots: [Vec<f32>; 3],
}

impl Host {
    pub fn new(parameter: Vec<f32>) -> Self {
        let slots = [(); 3].map(|()| vec![0.0; parameter.len()]);
        Self { parameter, slots }
    }

    pub fn step(&mut self, op: &Operation, grad: &[f32], step: u32) {
        let parameter = std::mem::take(&mut self.parameter);
        let [a, b, c] = std::mem::take(&mut self.slots);
        (self.parameter, self.slots) = match op {
            Operation::Sgd(op) => {
                let (parameter, buffer) = reference::sgd(op, &parameter, grad, (step > 1).then_some(&a[..]));
                (parameter, [buffer.unwrap_or(a), b, c])
            }
            Operation::AdamW(op) => {
                let after = reference::adamw(op, step, &parameter, grad, &a, &b);
                (after.parameter, [after.first, after.second, c])
            }
            Operation::Lamb(op) => {
                let after = reference::lamb(op, step, &parameter, grad, &a, &b);
                (after.parameter, [after.first, after.second, c])
            }
            Operation::Adam(op) => {
                let before = reference::AdamStep { parameter, first: a, second: b, largest: c };
                let after = reference::adam(op, step, &before, grad);
                (after.parameter, [after.first, after.second, after.largest])
            }
            Operation::RmsProp(op) => {
                let before = reference::RmsPropStep { parameter, square: a, mean: b, buffer: c };
                let after = reference::rmsprop(op, &before, grad);
                (after.parameter, [after.square, after.mean, after.buffer])
            }
            other => panic!("{other:?} is no optimizer"),
        };
    }
}
