//! Squeeze and excitation (Hu et al., arXiv 1709.01507).

use tilewright_autograd::Var;
use tilewright_ops::{self as ops, UnaryOp};

use super::conv2d::{Conv2d, Conv2dOptions};
use crate::{error::Result, module::Layer, pass::Pass, store::Scope, tap::Tap};

/// Scales each channel by a gate that its image's means decide: `x · gate(fc2(activation(fc1(mean of x))))`.
#[derive(Debug)]
pub struct SqueezeExcitation {
    fc1: Conv2d,
    fc2: Conv2d,
    activation: UnaryOp,
    gate: UnaryOp,
    tap: Tap,
}

impl SqueezeExcitation {
    /// Makes torchvision's `fc1` and `fc2`, 1×1 convolutions with a bias, from `channels` to `squeezed` and back, of which
    /// `options` gives the start.
    pub fn new(
        scope: &Scope,
        channels: usize,
        squeezed: usize,
        activation: UnaryOp,
        gate: UnaryOp,
        options: Conv2dOptions,
    ) -> Result<Self> {
        let fc1 = Conv2d::new(&(scope / "fc1"), channels, squeezed, [1, 1], options)?;
        let fc2 = Conv2d::new(&(scope / "fc2"), squeezed, channels, [1, 1], options)?;
        Ok(Self { fc1, fc2, activation, gate, tap: Tap::new(scope) })
    }
}

impl Layer for SqueezeExcitation {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let means = x.adaptive_avg_pool2d(ops::AdaptiveAvgPool2d { output: [1, 1] })?;
        let means = self.tap.give_as("avgpool", means, pass);
        let squeezed = self.fc1.forward(&means, pass)?.unary(self.activation)?;
        let y = x.mul(&self.fc2.forward(&squeezed, pass)?.unary(self.gate)?)?;
        Ok(self.tap.give(y, pass))
    }
}
