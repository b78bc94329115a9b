//! Adam (Kingma and Ba, arXiv 1412.6980), and AMSGrad (Reddi et al., arXiv 1904.09237).

use std::{collections::BTreeMap, sync::Arc};

use tilewright_autograd::Gradients;
use tilewright_ops as ops;
use tilewright_tensor::ops::optimizer::{AdamState, adam_step};

use super::{
    optimizer::Optimizer,
    slots::{Slots, load},
    steps::{STEPS, Steps},
};
use crate::{error::Result, parameter::Parameter, state::report::LoadReport, state::state_dict::StateDict};

/// Adam with PyTorch's defaults: weight decay is an L2 penalty, as opposed to [`super::AdamW`]'s.
pub struct Adam {
    parameters: Vec<Arc<Parameter>>,
    op: ops::Adam,
    first: Slots,
    second: Slots,
    /// Only where `op.amsgrad`.
    largest: Slots,
    steps: Steps,
}

impl Adam {
    /// For these parameters; `op.lr` gives way to the rate of each step.
    ///
    /// # Errors
    /// A shape error that names the option which is out of range.
    pub fn new(parameters: Vec<Arc<Parameter>>, op: ops::Adam) -> Result<Self> {
        op.check()?;
        let count = parameters.len();
        let (first, second) = (Slots::new("exp_avg", count), Slots::new("exp_avg_sq", count));
        let largest = Slots::new("max_exp_avg_sq", count);
        Ok(Self { parameters, op, first, second, largest, steps: Steps::new(count) })
    }
}

impl Optimizer for Adam {
    fn step(&mut self, gradients: &mut Gradients, lr: f32) -> Result<()> {
        let op = ops::Adam { lr, ..self.op };
        for (at, parameter) in self.parameters.iter().enumerate() {
            let Some(gradient) = gradients.remove_id(parameter.id()) else { continue };
            parameter.update(|value| {
                let (first, _) = self.first.get(at, value)?;
                let (second, _) = self.second.get(at, value)?;
                let largest = match op.amsgrad {
                    true => Some(self.largest.get(at, value)?.0),
                    false => None,
                };
                let kept = AdamState {
                    first_moment: &first,
                    second_moment: &second,
                    largest_second_moment: largest.as_ref(),
                };
                Ok(adam_step(value, &gradient, kept, self.steps.next(at), &op)?)
            })?;
        }
        Ok(())
    }

    fn state(&self) -> Result<StateDict> {
        let mut tensors = BTreeMap::new();
        self.first.save(&self.parameters, &mut tensors)?;
        self.second.save(&self.parameters, &mut tensors)?;
        self.largest.save(&self.parameters, &mut tensors)?;
        self.steps.save(&mut tensors);
        Ok(StateDict { tensors, metadata: None })
    }

    fn load_state(&mut self, state: &StateDict, file: &str) -> Result<()> {
        let mut report = LoadReport::default();
        let mut slots = vec![&mut self.first, &mut self.second];
        if self.op.amsgrad {
            slots.push(&mut self.largest);
        }
        let read: Vec<_> = slots.iter().map(|slots| &**slots).collect();
        let steps = Steps::read(&read, &self.parameters, state, &mut report);
        load(&mut slots, &self.parameters, state, &[STEPS], report, file)?;
        self.steps = steps;
        Ok(())
    }
}
