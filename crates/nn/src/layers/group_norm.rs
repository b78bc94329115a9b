//! Group normalisation (Wu and He, arXiv 1803.08494).

use std::sync::Arc;

use tilewright_autograd::Var;

use crate::{
    error::Error, error::Result, init::Init, module::Layer, parameter::Parameter, pass::Pass, store::Scope,
    tap::Tap,
};

/// Normalises groups of neighbouring channels of each image; as many groups as channels are instance normalisation.
#[derive(Debug)]
pub struct GroupNorm {
    weight: Arc<Parameter>,
    bias: Arc<Parameter>,
    groups: usize,
    eps: f32,
    tap: Tap,
}

impl GroupNorm {
    /// Makes `weight` and `bias` under `scope`, one for each channel. PyTorch's eps is 1e-5.
    ///
    /// # Errors
    /// [`Error::Option`] if the groups do not divide the channels.
    pub fn new(scope: &Scope, groups: usize, channels: usize, eps: f32) -> Result<Self> {
        if groups == 0 || !channels.is_multiple_of(groups) {
            return Err(Error::Option {
                layer: format!("GroupNorm `{}`", scope.path()),
                option: "groups",
                value: groups.to_string(),
                hint: "it must divide the channels",
            });
        }
        let weight = scope.parameter("weight", &[channels], Init::Constant(1.0))?;
        let bias = scope.parameter("bias", &[channels], Init::Constant(0.0))?;
        Ok(Self { weight, bias, groups, eps, tap: Tap::new(scope) })
    }
}

impl Layer for GroupNorm {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let (weight, bias) = (self.weight.var(pass)?, self.bias.var(pass)?);
        let y = x.group_norm(self.groups, Some(&weight), Some(&bias), self.eps)?;
        Ok(self.tap.give(y, pass))
    }
}
