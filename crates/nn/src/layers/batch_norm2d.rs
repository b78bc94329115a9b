//! Batch normalisation (Ioffe and Szegedy, arXiv 1502.03167).

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use tilewright_autograd::Var;
use tilewright_ops::{BatchNorm, Op, UnaryOp};
use tilewright_tensor::{BatchNormCall, Tensor};

use crate::{
    error::Result, init::Init, module::Layer, parameter::Parameter, pass::Pass, store::Scope, tap::Tap,
};

/// Normalises each channel: by the batch in training, by the running statistics in inference and where
/// [`Parameter::set_tracked`] keeps them (of `running_mean`).
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
        if pass.stores_half() {
            return self.forward_half(
                x,
                [weight, bias, Var::constant(mean), Var::constant(var)],
                pass,
                activation,
            );
        }
        let call = BatchNormCall { op: self.op, activation };
        if !self.by_batch(pass) {
            return Ok(x.batch_norm_eval(&weight, &bias, &mean, &var, call)?);
        }
        let trained = x.batch_norm_train(&weight, &bias, &mean, &var, call)?;
        self.track(pass, trained.running_mean, trained.running_var)?;
        Ok(trained.y)
    }

    /// [`Self::forward_fused`] with the input stored as f16; `others` are weight, bias and the running statistics.
    fn forward_half(
        &self,
        x: &Var,
        others: [Var; 4],
        pass: &Pass,
        activation: Option<UnaryOp>,
    ) -> Result<Var> {
        let inputs: Vec<_> = [x].into_iter().chain(&others).collect();
        if !self.by_batch(pass) {
            return Ok(pass.run(&Op::BatchNorm { op: self.op, activation }, &inputs)?.swap_remove(0));
        }
        let mut found = pass.run(&Op::BatchNormTrain { op: self.op, activation }, &inputs)?;
        // y, mean, inverse deviation, running mean, running variance, rest.
        self.track(pass, found[3].tensor().clone(), found[4].tensor().clone())?;
        Ok(found.swap_remove(0))
    }

    /// Whether it normalises by the batch. Statistics that are kept are those that it normalises by, as in inference.
    fn by_batch(&self, pass: &Pass) -> bool {
        pass.is_training() && self.running_mean.is_tracked()
    }

    fn track(&self, pass: &Pass, mean: Tensor, var: Tensor) -> Result<()> {
        // The first run of a checkpointed part has done so.
        if pass.is_recomputing() {
            return Ok(());
        }
        self.running_mean.set(mean)?;
        self.running_var.set(var)?;
        self.num_batches_tracked.fetch_add(1, Ordering::Relaxed);
        Ok(())
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
