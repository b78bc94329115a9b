//! Stochastic gradient descent with momentum.

use std::{collections::BTreeMap, sync::Arc};

use tilewright_autograd::Gradients;
use tilewright_ops as ops;
use tilewright_tensor::ops::optimizer::sgd_step;

use super::{
    optimizer::Optimizer,
    slots::{Slots, load},
};
use crate::{error::Result, parameter::Parameter, state::report::LoadReport, state::state_dict::StateDict};

/// SGD with PyTorch's momentum, dampening, Nesterov and weight decay.
pub struct Sgd {
    parameters: Vec<Arc<Parameter>>,
    op: ops::Sgd,
    momentum: Slots,
}

impl Sgd {
    /// For these parameters; `op.lr` gives way to the rate of each step.
    ///
    /// # Errors
    /// A shape error that names the option which is out of range.
    pub fn new(parameters: Vec<Arc<Parameter>>, op: ops::Sgd) -> Result<Self> {
        op.check()?;
        let momentum = Slots::new("momentum_buffer", parameters.len());
        Ok(Self { parameters, op, momentum })
    }
}

impl Optimizer for Sgd {
    fn step(&mut self, gradients: &mut Gradients, lr: f32) -> Result<()> {
        let op = ops::Sgd { lr, ..self.op };
        for (at, parameter) in self.parameters.iter().enumerate() {
            let Some(gradient) = gradients.remove_id(parameter.id()) else { continue };
            parameter.update(|value| {
                if op.momentum == 0.0 {
                    return Ok(sgd_step(value, &gradient, None, false, &op)?);
                }
                let (momentum, first) = self.momentum.get(at, value)?;
                Ok(sgd_step(value, &gradient, Some(&momentum), first, &op)?)
            })?;
        }
        Ok(())
    }

    fn state(&self) -> Result<StateDict> {
        let mut tensors = BTreeMap::new();
        self.momentum.save(&self.parameters, &mut tensors)?;
        Ok(StateDict { tensors, metadata: None })
    }

    fn load_state(&mut self, state: &StateDict, file: &str) -> Result<()> {
        load(&mut [&mut self.momentum], &self.parameters, state, &[], LoadReport::default(), file)
    }
}
