//! How many steps each parameter has had.

use std::{collections::BTreeMap, sync::Arc};

use super::slots::Slots;
use crate::{
    parameter::Parameter, state::host_tensor::HostTensor, state::report::LoadReport,
    state::report::Misshaped, state::state_dict::StateDict,
};

/// The name of the counts in an optimizer's state.
pub(super) const STEPS: &str = "steps";

/// Steps done, for each parameter.
pub(super) struct Steps(Vec<i64>);

impl Steps {
    pub(super) fn new(count: usize) -> Self {
        Self(vec![0; count])
    }

    /// The number of the step that begins, counted from 1.
    pub(super) fn next(&mut self, at: usize) -> u32 {
        let count = &mut self.0[at];
        *count = count.saturating_add(1);
        // The corrections of the bias are 1 long before the count ends.
        u32::try_from(*count).unwrap_or(u32::MAX)
    }

    pub(super) fn save(&self, into: &mut BTreeMap<String, HostTensor>) {
        into.insert(STEPS.to_owned(), HostTensor::I64(self.0.clone(), vec![self.0.len()]));
    }

    /// The counts of `state`, and in the report what is wrong with them. A parameter that had steps has all of `slots`.
    pub(super) fn read(
        slots: &[&Slots],
        parameters: &[Arc<Parameter>],
        state: &StateDict,
        report: &mut LoadReport,
    ) -> Self {
        let count = parameters.len();
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
        for (parameter, _) in parameters.iter().zip(&steps).filter(|(_, steps)| **steps > 0) {
            for name in slots.iter().map(|slots| slots.key(parameter)) {
                if !state.tensors.contains_key(&name) {
                    report.missing.push(name);
                }
            }
        }
        Self(steps)
    }
}
