//! Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101).

use std::{collections::BTreeMap, sync::Arc};

use tilewright_autograd::Gradients;
use tilewright_ops as ops;
use tilewright_tensor::ops::optimizer::adamw_step;

use super::{
    optimizer::Optimizer,
    slots::{Slots, load},
};
use crate::{
    error::Result, parameter::Parameter, state::host_tensor::HostTensor, state::report::LoadReport,
    state::report::Misshaped, state::state_dict::StateDict,
};

const STEPS: &str = "steps";

/// AdamW with PyTorch's defaults.
pub struct AdamW {
    parameters: Vec<Arc<Parameter>>,
    op: ops::AdamW,
    first: Slots,
    second: Slots,
    steps: Vec<i64>,
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
        Ok(Self { parameters, op, first, second, steps: vec![0; count] })
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
                self.steps[at] += 1;
                // The corrections of the bias are 1 long before the count ends.
                let step = u32::try_from(self.steps[at]).unwrap_or(u32::MAX);
                Ok(adamw_step(value, &gradient, &first, &second, step, &op)?)
            })?;
        }
        Ok(())
    }

    fn state(&self) -> Result<StateDict> {
        let mut tensors = BTreeMap::new();
        self.first.save(&self.parameters, &mut tensors)?;
        self.second.save(&self.parameters, &mut tensors)?;
        tensors.insert(STEPS.to_owned(), HostTensor::I64(self.steps.clone(), vec![self.steps.len()]));
        Ok(StateDict { tensors, metadata: None })
    }

    fn load_state(&mut self, state: &StateDict, file: &str) -> Result<()> {
        let count = self.parameters.len();
        let mut report = LoadReport::default();
        let steps = match state.tensors.get(STEPS) {
            Some(HostTensor::I64(steps, _)) if steps.len() == count && steps.iter().all(|&n| n >= 0) => {
                steps.clone()
            }
            Some(other) => {
                let (found, expected) = (other.shape().to_vec(), vec![count]);
                report.misshaped.push(Misshaped { name: STEPS.to_owned(), found, expected });
                vec![0; count]
            }
            None => {
                report.missing.push(STEPS.to_owned());
                vec![0; count]
            }
        };
        for (parameter, _) in self.parameters.iter().zip(&steps).filter(|(_, steps)| **steps > 0) {
            for name in [self.first.key(parameter), self.second.key(parameter)] {
                if !state.tensors.contains_key(&name) {
                    report.missing.push(name);
                }
            }
        }
        let slots = &mut [&mut self.first, &mut self.second];
        load(slots, &self.parameters, state, &[STEPS], report, file)?;
        self.steps = steps;
        Ok(())
    }
}
