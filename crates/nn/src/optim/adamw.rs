//! Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101).

use std::{collections::BTreeMap, sync::Arc};

use tilewright_autograd::Gradients;
use tilewright_ops as ops;
use tilewright_tensor::ops::optimizer::adamw_step;

use super::{
    optimizer::Optimizer,
    slots::{Slots, load},
    steps::{STEPS, Steps},
};
use crate::{error::Result, parameter::Parameter, state::report::LoadReport, state::state_dict::StateDict};

/// AdamW with PyTorch's defaults.
pub struct AdamW {
    parameters: Vec<Arc<Parameter>>,
    op: ops::AdamW,
    first: Slots,
    second: Slots,
    steps: Steps,
}

impl AdamW {
    /// For these parameters; `op.lr` gives way to the rate of each step.
    ///
    /// # Errors
    /// A shape error that names the option which is out of range.
    pub fn new(parameters: Vec<Arc<Parameter>>, op: ops::AdamW) -> Result<Self> {
        op.check()?;
        let count = parameters.len();
        let (first, second) = (Slots::new("exp_avg", count), Slots::new("exp_avg_sq", count));
        Ok(Self { parameters, op, first, second, steps: Steps::new(count) })
    }
}

impl Optimizer for AdamW {
    fn step(&mut self, gradients: &mut Gradients, lr: f32) -> Result<()> {
        let op = ops::AdamW { lr, ..self.op };
        for (at, parameter) in self.parameters.iter().enumerate() {
            let Some(gradient) = gradients.remove_id(parameter.id()) else { continue };
            parameter.update(|value| {
                let (first, _) = self.first.get(at, value)?;
                let (second, _) = self.second.get(at, value)?;
                Ok(adamw_step(value, &gradient, &first, &second, self.steps.next(at), &op)?)
            })?;
        }
        Ok(())
    }

    fn state(&self) -> Result<StateDict> {
        let mut tensors = BTreeMap::new();
        self.first.save(&self.parameters, &mut tensors)?;
        self.second.save(&self.parameters, &mut tensors)?;
        self.steps.save(&mut tensors);
        Ok(StateDict { tensors, metadata: None })
    }

    fn load_state(&mut self, state: &StateDict, file: &str) -> Result<()> {
        let mut report = LoadReport::default();
        let steps = Steps::read(&[&self.first, &self.second], &self.parameters, state, &mut report);
        let mut slots = [&mut self.first, &mut self.second];
        load(&mut slots, &self.parameters, state, &[STEPS], report, file)?;
        self.steps = steps;
        Ok(())
    }
}
