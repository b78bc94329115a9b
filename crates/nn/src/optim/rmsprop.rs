//! RMSprop (Tieleman and Hinton, 2012), centred or not, with or without momentum.

use std::{collections::BTreeMap, sync::Arc};

use tilewright_autograd::Gradients;
use tilewright_ops as ops;
use tilewright_tensor::ops::optimizer::{RmsPropState, rmsprop_step};

use super::{
    optimizer::Optimizer,
    slots::{Slots, load},
};
use crate::{error::Result, parameter::Parameter, state::report::LoadReport, state::state_dict::StateDict};

/// RMSprop with PyTorch's defaults.
pub struct RmsProp {
    parameters: Vec<Arc<Parameter>>,
    op: ops::RmsProp,
    square: Slots,
    /// Only where `op.centered`.
    mean: Slots,
    /// Only with momentum.
    momentum: Slots,
}

impl RmsProp {
    /// For these parameters; `op.lr` gives way to the rate of each step.
    ///
    /// # Errors
    /// A shape error that names the option which is out of range.
    pub fn new(parameters: Vec<Arc<Parameter>>, op: ops::RmsProp) -> Result<Self> {
        op.check()?;
        let count = parameters.len();
        let square = Slots::new("square_avg", count);
        let (mean, momentum) = (Slots::new("grad_avg", count), Slots::new("momentum_buffer", count));
        Ok(Self { parameters, op, square, mean, momentum })
    }
}

impl Optimizer for RmsProp {
    fn step(&mut self, gradients: &mut Gradients, lr: f32) -> Result<()> {
        let op = ops::RmsProp { lr, ..self.op };
        for (at, parameter) in self.parameters.iter().enumerate() {
            let Some(gradient) = gradients.remove_id(parameter.id()) else { continue };
            parameter.update(|value| {
                let (square, _) = self.square.get(at, value)?;
                let mean = if op.centered { Some(self.mean.get(at, value)?.0) } else { None };
                let buffer = if op.momentum != 0.0 { Some(self.momentum.get(at, value)?.0) } else { None };
                let kept =
                    RmsPropState { square: &square, mean: mean.as_ref(), momentum_buffer: buffer.as_ref() };
                Ok(rmsprop_step(value, &gradient, kept, &op)?)
            })?;
        }
        Ok(())
    }

    fn state(&self) -> Result<StateDict> {
        let mut tensors = BTreeMap::new();
        for slots in [&self.square, &self.mean, &self.momentum] {
            slots.save(&self.parameters, &mut tensors)?;
        }
        Ok(StateDict { tensors, metadata: None })
    }

    fn load_state(&mut self, state: &StateDict, file: &str) -> Result<()> {
        let mut slots = vec![&mut self.square];
        if self.op.centered {
            slots.push(&mut self.mean);
        }
        if self.op.momentum != 0.0 {
            slots.push(&mut self.momentum);
        }
        // A parameter that had steps has all of its slots.
        let mut report = LoadReport::default();
        for parameter in &self.parameters {
            let names: Vec<_> = slots.iter().map(|slots| slots.key(parameter)).collect();
            if names.iter().any(|name| state.tensors.contains_key(name)) {
                let missing = names.into_iter().filter(|name| !state.tensors.contains_key(name));
                report.missing.extend(missing);
            }
        }
        load(&mut slots, &self.parameters, state, &[], report, file)
    }
}
