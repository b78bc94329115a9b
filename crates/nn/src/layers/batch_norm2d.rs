//! Batch normalisation (Ioffe and Szegedy, arXiv 1502.03167).

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use tilewright_autograd::Var;
use tilewright_ops::{BatchNorm, UnaryOp};

use tilewright_tensor::BatchNormCall;

use crate::{
    error::Result, init::Init, module::Layer, parameter::Parameter, pass::Pass, store::Scope, tap::Tap,
};

/// Normalises each channel: by the batch in training, by the running statistics in inference.
#[derive(Debug)]
pub struct BatchNorm2d {
    weight: Arc<Parameter>,
    bias: Arc<Parameter>,
    running_mean: Arc<Parameter>,
    running_var: Arc<Parameter>,
    num_batches_tracked: Arc<AtomicI64>,
    op: BatchNorm,
    tap: Tap,
}

impl BatchNorm2d {
    /// Makes PyTorch's five entries under `scope`, with eps 1e-5 and momentum 0.1.
    pub fn new(scope: &Scope, channels: usize) -> Result<Self> {
        Self::with_op(scope, channels, BatchNorm::default())
    }

    /// As [`Self::new`], with eps and momentum chosen.
    pub fn with_op(scope: &Scope, channels: usize, op: BatchNorm) -> Result<Self> {
        Self::with_start(scope, channels, op, 1.0)
    }

    /// As [`Self::with_op`], with the value that every weight starts at: 0 makes a residual block the identity at first
    /// (Goyal et al., arXiv 1706.02677, §5.1).
    pub fn with_start(scope: &Scope, channels: usize, op: BatchNorm, weight: f32) -> Result<Self> {
        Ok(Self {
            weight: scope.parameter("weight", &[channels], Init::Constant(weight))?,
            bias: scope.parameter("bias", &[channels], Init::Constant(0.0))?,
            running_mean: scope.buffer("running_mean", &[channels], Init::Constant(0.0))?,
            running_var: scope.buffer("running_var", &[channels], Init::Constant(1.0))?,
            num_batches_tracked: scope.counter("num_batches_tracked")?,
            op,
            tap: Tap::new(scope),
        })
    }

    /// [`Layer::forward`] and an activation of the result in the same passes: what networks nearly always pair.
    pub fn forward_fused(&self, x: &Var, pass: &Pass, activation: Option<UnaryOp>) -> Result<Var> {
        let Some(function) = activation.filter(|_| self.tap.is_wanted(pass)) else {
            // What is fused is no output of this layer; that there is one is reported all the same.
            let y = self.normalised(x, pass, activation)?;
            return Ok(self.tap.give(y, pass));
        };
        Ok(self.tap.give(self.normalised(x, pass, None)?, pass).unary(function)?)
    }

    fn normalised(&self, x: &Var, pass: &Pass, activation: Option<UnaryOp>) -> Result<Var> {
        let (weight, bias) = (self.weight.var(pass)?, self.bias.var(pass)?);
        let (mean, var) = (self.running_mean.tensor()?, self.running_var.tensor()?);
        let call = BatchNormCall { op: self.op, activation };
        if !pass.is_training() {
            return Ok(x.batch_norm_eval(&weight, &bias, &mean, &var, call)?);
        }
        let trained = x.batch_norm_train(&weight, &bias, &mean, &var, call)?;
        self.running_mean.set(trained.running_mean)?;
        self.running_var.set(trained.running_var)?;
        self.num_batches_tracked.fetch_add(1, Ordering::Relaxed);
        Ok(trained.y)
    }

    /// [`Self::forward_fused`] with `max(·, 0)`.
    pub fn forward_relu(&self, x: &Var, pass: &Pass) -> Result<Var> {
        self.forward_fused(x, pass, Some(UnaryOp::Relu))
    }
}

impl Layer for BatchNorm2d {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        self.forward_fused(x, pass, None)
    }
}
