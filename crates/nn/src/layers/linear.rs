//! The fully connected layer.

use std::sync::Arc;

use tilewright_autograd::Var;

use crate::{
    error::Result, init::Init, module::Layer, parameter::Parameter, pass::Pass, store::Scope, tap::Tap,
};

/// `x · weightᵀ + bias` with `weight` [out, in].
#[derive(Debug)]
pub struct Linear {
    weight: Arc<Parameter>,
    bias: Option<Arc<Parameter>>,
    tap: Tap,
}

impl Linear {
    /// Makes `weight` and `bias` under `scope`, with PyTorch's default start.
    pub fn new(scope: &Scope, in_features: usize, out_features: usize) -> Result<Self> {
        Self::with_options(scope, in_features, out_features, true, Init::DEFAULT_WEIGHT)
    }

    /// As [`Self::new`], with the bias and the weight's start chosen.
    pub fn with_options(
        scope: &Scope,
        in_features: usize,
        out_features: usize,
        bias: bool,
        init: Init,
    ) -> Result<Self> {
        let weight = scope.parameter("weight", &[out_features, in_features], init)?;
        let bias = bias.then(|| scope.parameter("bias", &[out_features], Init::default_bias(in_features)));
        Ok(Self { weight, bias: bias.transpose()?, tap: Tap::new(scope) })
    }
}

impl Layer for Linear {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let bias = self.bias.as_ref().map(|bias| bias.var(pass)).transpose()?;
        let y = x.linear(&self.weight.var(pass)?, bias.as_ref())?;
        Ok(self.tap.give(y, pass))
    }
}
