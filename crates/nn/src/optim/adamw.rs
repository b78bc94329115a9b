//! Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101).

use std::{collections::BTreeMap, sync::Arc};

use tilewright_autograd::Gradients;
use tilewright_ops as ops;
use tilewright_tensor::ops::optimizer::adamw_step;

use super::{Optimizer, Slots};
use crate::{HostTensor, Parameter, Result, StateDict};

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
            let value = parameter.tensor();
            let (first, _) = self.first.get(at, &value)?;
            let (second, _) = self.second.get(at, &value)?;
            self.steps[at] += 1;
            adamw_step(&value, &gradient, &first, &second, self.steps[at] as u32, &op)?;
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
        self.first.load(&self.parameters, state, file)?;
        self.second.load(&self.parameters, state, file)?;
        self.steps = match state.tensors.get(STEPS) {
            Some(HostTensor::I64(steps, _)) if steps.len() == self.parameters.len() => steps.clone(),
            _ => vec![0; self.parameters.len()],
        };
        Ok(())
    }
}
