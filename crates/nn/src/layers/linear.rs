//! The fully connected layer.

use std::sync::Arc;

use tilewright_autograd::Var;
use tilewright_ops::{MatMul, Op};

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
        let bias = bias.then(|| Init::default_bias(in_features));
        Self::with_init(scope, in_features, out_features, init, bias)
    }

    /// As [`Self::new`], with the start of the weight and of the bias chosen; without a start there is no bias.
    pub fn with_init(
        scope: &Scope,
        in_features: usize,
        out_features: usize,
        weight: Init,
        bias: Option<Init>,
    ) -> Result<Self> {
        let weight = scope.parameter("weight", &[out_features, in_features], weight)?;
        let bias = bias.map(|start| scope.parameter("bias", &[out_features], start));
        Ok(Self { weight, bias: bias.transpose()?, tap: Tap::new(scope) })
    }
}

impl Layer for Linear {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        self.tap.take(x, pass);
        let bias = self.bias.as_ref().map(|bias| bias.var(pass)).transpose()?;
        let weight = self.weight.var(pass)?;
        if pass.stores_half() {
            let op = MatMul { transpose_right: true, ..MatMul::default() };
            let op = Op::MatMul { op, bias: bias.is_some(), residual: false, activation: None };
            let inputs: Vec<_> = [x, &weight].into_iter().chain(&bias).collect();
            return Ok(self.tap.give(pass.run(&op, &inputs)?.swap_remove(0), pass));
        }
        Ok(self.tap.give(x.linear(&weight, bias.as_ref())?, pass))
    }
}
