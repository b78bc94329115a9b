//! A convolution with its BatchNorm and activation.

use tilewright_autograd::Var;
use tilewright_nn::{
    Layer, Pass, Result, Scope, Tap,
    init::{Fan, Init},
    layers::{BatchNorm2d, Conv2d, Conv2dOptions},
};
use tilewright_ops::{BatchNorm, UnaryOp};

/// A convolution without a bias, a BatchNorm and an activation.
#[derive(Debug)]
pub(crate) struct ConvNorm {
    conv: Conv2d,
    norm: BatchNorm2d,
    activation: Option<UnaryOp>,
    /// Where its output is found; nowhere if its parts lie flat in a block.
    taps: Vec<Tap>,
}

/// What a [`ConvNorm`] is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConvNormConfig {
    /// Odd; the padding keeps the size at stride 1.
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    pub groups: usize,
    pub init: Init,
    pub norm: BatchNorm,
    pub activation: Option<UnaryOp>,
}

impl ConvNormConfig {
    /// Stride 1, started by Kaiming's normal numbers of the fan out.
    pub fn new(kernel: usize, activation: Option<UnaryOp>) -> Self {
        let init = Init::KaimingNormal(Fan::Out, Init::RELU_GAIN);
        Self { kernel, stride: 1, dilation: 1, groups: 1, init, norm: BatchNorm::default(), activation }
    }

    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    pub fn norm(self, norm: BatchNorm) -> Self {
        Self { norm, ..self }
    }

    pub fn init(self, init: Init) -> Self {
        Self { init, ..self }
    }
}

impl ConvNorm {
    /// torchvision's `Conv2dNormActivation`: the convolution is `0`, the BatchNorm `1`, the activation `2`.
    pub fn new(scope: &Scope, inputs: usize, outputs: usize, config: ConvNormConfig) -> Result<Self> {
        let flat = Self::named([&(scope / 0), &(scope / 1)], inputs, outputs, config)?;
        let flat = if config.activation.is_some() { flat.at(&(scope / 2)) } else { flat };
        Ok(flat.at(scope))
    }

    /// The same with its output found under `scope` too.
    pub fn at(mut self, scope: &Scope) -> Self {
        self.taps.push(Tap::new(scope));
        self
    }

    /// The convolution and the BatchNorm under scopes of their own.
    pub fn named(
        [conv, norm]: [&Scope; 2],
        inputs: usize,
        outputs: usize,
        config: ConvNormConfig,
    ) -> Result<Self> {
        let ConvNormConfig { kernel, stride, dilation, groups, init, .. } = config;
        let options = Conv2dOptions::default()
            .padding(kernel / 2 * dilation)
            .stride(stride)
            .dilation(dilation)
            .groups(groups)
            .no_bias()
            .init(init);
        let conv = Conv2d::new(conv, inputs, outputs, [kernel; 2], options)?;
        let norm = BatchNorm2d::with_op(norm, outputs, config.norm)?;
        Ok(Self { conv, norm, activation: config.activation, taps: Vec::new() })
    }
}

impl Layer for ConvNorm {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let y = self.norm.forward_fused(&self.conv.forward(x, pass)?, pass, self.activation)?;
        Ok(self.taps.iter().fold(y, |y, tap| tap.give(y, pass)))
    }
}
