//! Parameter groups: another learning rate or weight decay for some parameters.

use std::{collections::BTreeMap, sync::Arc};

use tilewright_autograd::Gradients;

use super::optimizer::Optimizer;
use crate::{
    error::Error, error::Result, parameter::Parameter, state::state_dict::StateDict,
    transfer::pattern::PathPattern,
};

/// What a pattern of paths changes. Of several that take one path, the last that says something is heard.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupRule {
    /// Which parameters.
    pub pattern: PathPattern,
    /// The factor of the learning rate, which becomes theirs.
    pub lr_scale: Option<f32>,
    /// Their weight decay.
    pub weight_decay: Option<f32>,
}

/// Parameters with one factor and one weight decay, in the store's order.
#[derive(Clone, Debug)]
pub struct ParameterGroup {
    /// The parameters.
    pub parameters: Vec<Arc<Parameter>>,
    /// The factor of the learning rate.
    pub lr_scale: f32,
    /// The weight decay.
    pub weight_decay: f32,
}

/// How parameters are grouped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grouping {
    /// The rules, of which later ones win.
    pub rules: Vec<GroupRule>,
    /// The weight decay of what no rule gives another.
    pub weight_decay: f32,
    /// No weight decay for parameters of at most one axis, the weights and biases of norms and all other biases, unless a
    /// rule gives them one.
    pub matrices_only: bool,
}

impl Grouping {
    /// The groups in the order of their first parameters; one alone where all are equal.
    ///
    /// # Errors
    /// [`Error::Pattern`] for a rule that takes nothing; [`Error::Option`] for a factor or decay that is negative or no
    /// number.
    pub fn groups(&self, parameters: &[Arc<Parameter>]) -> Result<Vec<ParameterGroup>> {
        for GroupRule { pattern, lr_scale, weight_decay } in &self.rules {
            pattern.require(parameters.iter().map(|parameter| parameter.path()))?;
            for (option, value) in [("lr_scale", lr_scale), ("weight_decay", weight_decay)] {
                let Some(value) = value.filter(|value| !(value.is_finite() && *value >= 0.0)) else {
                    continue;
                };
                let (layer, value) = (format!("the pattern `{pattern}`"), value.to_string());
                return Err(Error::Option { layer, option, value, hint: "it must be 0 or more" });
            }
        }
        let mut groups: Vec<ParameterGroup> = Vec::new();
        for parameter in parameters {
            let (lr_scale, weight_decay) = self.of(parameter);
            let same = |group: &&mut ParameterGroup| {
                group.lr_scale == lr_scale && group.weight_decay == weight_decay
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.parameters.push(parameter.clone()),
                None => {
                    let parameters = vec![parameter.clone()];
                    groups.push(ParameterGroup { parameters, lr_scale, weight_decay });
                }
            }
        }
        Ok(groups)
    }

    fn of(&self, parameter: &Parameter) -> (f32, f32) {
        let spared = self.matrices_only && parameter.shape().len() < 2;
        let mut found = (1.0, if spared { 0.0 } else { self.weight_decay });
        for rule in self.rules.iter().filter(|rule| rule.pattern.matches(parameter.path())) {
            found = (rule.lr_scale.unwrap_or(found.0), rule.weight_decay.unwrap_or(found.1));
        }
        found
    }
}

/// An optimizer for each group of parameters, with learning rates of their own.
pub struct Grouped<'a> {
    groups: Vec<(f32, Box<dyn Optimizer + 'a>)>,
}

impl<'a> Grouped<'a> {
    /// The optimizers that `make` gives for the groups. For one group alone it is better to take the optimizer as it is.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn new<E>(
        groups: &[ParameterGroup],
        mut make: impl FnMut(&ParameterGroup) -> Result<Box<dyn Optimizer + 'a>, E>,
    ) -> Result<Self, E> {
        let groups = groups.iter().map(|group| Ok((group.lr_scale, make(group)?)));
        Ok(Self { groups: groups.collect::<Result<_, E>>()? })
    }
}

fn prefix(at: usize) -> String {
    format!("group{at}.")
}

impl Optimizer for Grouped<'_> {
    fn step(&mut self, gradients: &mut Gradients, lr: f32) -> Result<()> {
        self.groups.iter_mut().try_for_each(|(scale, optimizer)| optimizer.step(gradients, lr * *scale))
    }

    fn state(&self) -> Result<StateDict> {
        let mut tensors = BTreeMap::new();
        for (at, (_, optimizer)) in self.groups.iter().enumerate() {
            for (name, value) in optimizer.state()?.tensors {
                tensors.insert(format!("{}{name}", prefix(at)), value);
            }
        }
        Ok(StateDict { tensors, metadata: None })
    }

    fn load_state(&mut self, state: &StateDict, file: &str) -> Result<()> {
        let mut parts = vec![StateDict::default(); self.groups.len()];
        for (name, value) in &state.tensors {
            let place = (0..parts.len()).find_map(|at| Some((at, name.strip_prefix(&prefix(at))?)));
            // What is no group's goes to the first, which says that it does not know it.
            let (at, name) = place.unwrap_or((0, name));
            if let Some(part) = parts.get_mut(at) {
                part.tensors.insert(name.to_owned(), value.clone());
            }
        }
        // All or nothing: what a later group refuses is taken back from the earlier ones.
        let before =
            self.groups.iter().map(|(_, optimizer)| optimizer.state()).collect::<Result<Vec<_>>>()?;
        for (at, part) in parts.iter().enumerate() {
            if let Err(error) = self.groups[at].1.load_state(part, file) {
                for ((_, optimizer), state) in self.groups[..at].iter_mut().zip(&before) {
                    optimizer.load_state(state, file)?;
                }
                return Err(error);
            }
        }
        Ok(())
    }
}
