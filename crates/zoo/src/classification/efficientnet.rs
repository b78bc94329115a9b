//! EfficientNet (Tan and Le, arXiv 1905.11946, table 1), with torchvision's names.

use tilewright_autograd::Var;
use tilewright_nn::{
    Checkpointed, Layer, Pass, Result, Scope, Sequential, Tapped,
    init::Init,
    layers::{AdaptiveAvgPool2d, Dropout, Flatten, Linear},
};
use tilewright_ops::{BatchNorm, UnaryOp};

use crate::blocks::{
    conv_norm::{ConvNorm, ConvNormConfig},
    inverted_residual::{InvertedResidual, InvertedResidualConfig},
};

/// What an [`EfficientNet`] is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EfficientNetConfig {
    /// The probability of dropout in front of the linear layer.
    pub dropout: f32,
    /// The probability with which training drops the last block; it rises to it from 0.
    pub stochastic_depth: f32,
    /// Channels of an image.
    pub channels: usize,
    /// Classes.
    pub classes: usize,
}

impl EfficientNetConfig {
    /// EfficientNet-B0.
    pub const fn b0() -> Self {
        Self { dropout: 0.2, stochastic_depth: 0.2, channels: 3, classes: 1000 }
    }
}

/// Expansion, kernel, stride of the first block, output channels and blocks, of each stage.
const STAGES: [(usize, usize, usize, usize, usize); 7] = [
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
];

/// A 3×3 convolution of stride 2, seven stages of inverted residuals with squeeze and excitation, a 1×1 convolution, a
/// global mean and a linear layer.
pub struct EfficientNet(Sequential);

impl EfficientNet {
    /// torchvision's images have 3 channels and, for B0, 224 × 224 pixels.
    pub fn new(scope: &Scope, config: &EfficientNetConfig) -> Result<Self> {
        let features = scope / "features";
        let active = |kernel| ConvNormConfig::new(kernel, Some(UnaryOp::Silu));
        let mut inputs = 32;
        let stem = ConvNorm::new(&(&features / 0), config.channels, inputs, active(3).stride(2))?;
        let mut layers = Sequential::at(&features).then(stem);
        let count_of_all: usize = STAGES.iter().map(|stage| stage.4).sum();
        let mut before = 0;
        for (stage, (expansion, kernel, stride, outputs, count)) in (1..).zip(STAGES) {
            let scope = &features / stage;
            let mut all = Sequential::at(&scope);
            for block in 0..count {
                let config = InvertedResidualConfig {
                    inputs,
                    expanded: inputs * expansion,
                    outputs,
                    kernel,
                    stride: if block == 0 { stride } else { 1 },
                    dilation: 1,
                    activation: UnaryOp::Silu,
                    // A quarter of the channels that come in, not of those within.
                    squeeze: Some(((inputs / 4).max(1), UnaryOp::Silu, UnaryOp::Sigmoid)),
                    norm: BatchNorm::default(),
                    stochastic_depth: config.stochastic_depth * before as f32 / count_of_all as f32,
                };
                let block = InvertedResidual::new(&(&scope / block), &config)?;
                all.push(Checkpointed::asked(block));
                (inputs, before) = (outputs, before + 1);
            }
            layers.push(all);
        }
        let last = 4 * inputs;
        layers.push(ConvNorm::new(&(&features / (STAGES.len() + 1)), inputs, last, active(1))?);
        let bound = 1.0 / (config.classes.max(1) as f32).sqrt();
        let start = (Init::Uniform(bound), Some(Init::Constant(0.0)));
        let head = scope / "classifier";
        let linear = Linear::with_init(&(&head / 1), last, config.classes, start.0, start.1)?;
        let classifier = Sequential::under(&head).then(Dropout::new(config.dropout)?).then(linear);
        let avgpool = Tapped::new(AdaptiveAvgPool2d([1, 1]), [&(scope / "avgpool")]);
        Ok(Self(Sequential::new().then(layers).then(avgpool).then(Flatten).then(classifier)))
    }
}

impl Layer for EfficientNet {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        self.0.forward(x, pass)
    }
}
