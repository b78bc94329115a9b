//! Tensors that optimizers keep for each parameter.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use tilewright_tensor::Tensor;

use crate::{
    error::Error, error::Result, parameter::Parameter, state::host_tensor::HostTensor,
    state::report::LoadReport, state::report::Misshaped, state::state_dict::StateDict,
};

/// One slot (such as `momentum_buffer`) for each parameter, made at its first use.
pub(super) struct Slots {
    name: &'static str,
    tensors: Vec<Option<Tensor>>,
}

impl Slots {
    pub(super) fn new(name: &'static str, count: usize) -> Self {
        Self { name, tensors: vec![None; count] }
    }

    /// The slot's tensor, zeros at first, and whether it was made now.
    pub(super) fn get(&mut self, at: usize, like: &Tensor) -> Result<(Tensor, bool)> {
        if let Some(tensor) = &self.tensors[at] {
            return Ok((tensor.clone(), false));
        }
        let zeros = Tensor::zeros(like.context(), like.shape())?;
        self.tensors[at] = Some(zeros.clone());
        Ok((zeros, true))
    }

    pub(super) fn key(&self, parameter: &Parameter) -> String {
        format!("{}.{}", parameter.path(), self.name)
    }

    pub(super) fn save(
        &self,
        parameters: &[Arc<Parameter>],
        into: &mut BTreeMap<String, HostTensor>,
    ) -> Result<()> {
        for (parameter, tensor) in parameters.iter().zip(&self.tensors) {
            if let Some(tensor) = tensor {
                into.insert(self.key(parameter), HostTensor::F32(tensor.to_vec()?, tensor.shape().to_vec()));
            }
        }
        Ok(())
    }
}

/// Puts `slots` back from `state`, or, if a name is unknown or a shape another, none of them. `others` are names that the
/// optimizer has read itself, with what it found wrong in `report`.
pub(super) fn load(
    slots: &mut [&mut Slots],
    parameters: &[Arc<Parameter>],
    state: &StateDict,
    others: &[&str],
    mut report: LoadReport,
    file: &str,
) -> Result<()> {
    let mut known: HashSet<String> = others.iter().map(|&name| name.to_owned()).collect();
    let mut loaded = Vec::with_capacity(slots.len());
    for slot in slots.iter() {
        let mut tensors = vec![None; parameters.len()];
        for (parameter, tensor) in parameters.iter().zip(&mut tensors) {
            let name = slot.key(parameter);
            match state.tensors.get(&name) {
                None => {}
                Some(HostTensor::F32(values, shape)) if shape == parameter.shape() => {
                    *tensor = Some(Tensor::from_slice(parameter.context(), values, shape)?);
                    report.loaded.push(name.clone());
                }
                Some(other) => {
                    let (found, expected) = (other.shape().to_vec(), parameter.shape().to_vec());
                    report.misshaped.push(Misshaped { name: name.clone(), found, expected });
                }
            }
            known.insert(name);
        }
        loaded.push(tensors);
    }
    report.unexpected = state.tensors.keys().filter(|name| !known.contains(*name)).cloned().collect();
    if !report.is_clean() {
        return Err(Error::StateDict { file: file.to_owned(), report: Box::new(report) });
    }
    for (slot, tensors) in slots.iter_mut().zip(loaded) {
        slot.tensors = tensors;
    }
    Ok(())
}
