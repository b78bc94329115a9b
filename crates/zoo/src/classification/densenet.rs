//! DenseNet-BC (Huang et al., arXiv 1608.06993, table 1), with torchvision's names.

use tilewright_autograd::Var;
use tilewright_nn::{
    Layer, Pass, Result, Scope,
    init::{Fan, Init},
    layers::{AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, Conv2d, Conv2dOptions, Dropout, Linear, MaxPool2d},
};
use tilewright_ops::Pool2d;

/// What a [`DenseNet`] is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DenseNetConfig {
    /// Channels that a layer adds.
    pub growth: usize,
    /// Layers in each block.
    pub blocks: [usize; 4],
    /// Channels of the first convolution.
    pub first: usize,
    /// Channels between the two convolutions of a layer, for each that it adds.
    pub bottleneck: usize,
    /// The probability of dropout behind each layer.
    pub dropout: f32,
    /// Channels of an image.
    pub channels: usize,
    /// Classes.
    pub classes: usize,
}

impl DenseNetConfig {
    /// DenseNet-121.
    pub const fn densenet121() -> Self {
        let (growth, blocks, first, bottleneck) = (32, [6, 12, 24, 16], 64, 4);
        Self { growth, blocks, first, bottleneck, dropout: 0.0, channels: 3, classes: 1000 }
    }
}

/// A 7×7 convolution and a pooling, four blocks whose layers see all before them, three transitions that halve, a global
/// mean and a linear layer.
pub struct DenseNet {
    conv0: Conv2d,
    norm0: BatchNorm2d,
    pool0: MaxPool2d,
    blocks: Vec<(Vec<DenseLayer>, Option<Transition>)>,
    norm5: BatchNorm2d,
    avgpool: AdaptiveAvgPool2d,
    classifier: Linear,
}

/// A BatchNorm with a ReLU, and a convolution.
struct NormConv {
    norm: BatchNorm2d,
    conv: Conv2d,
}

struct DenseLayer {
    first: NormConv,
    second: NormConv,
    dropout: Dropout,
}

struct Transition {
    conv: NormConv,
    pool: AvgPool2d,
}

fn start(kernel: usize) -> Conv2dOptions {
    let init = Init::KaimingNormal(Fan::In, Init::RELU_GAIN);
    Conv2dOptions::default().padding(kernel / 2).no_bias().init(init)
}

impl NormConv {
    fn new(scope: &Scope, number: &str, inputs: usize, outputs: usize, kernel: usize) -> Result<Self> {
        let norm = BatchNorm2d::new(&(scope / format!("norm{number}")), inputs)?;
        let conv = scope / format!("conv{number}");
        Ok(Self { norm, conv: Conv2d::new(&conv, inputs, outputs, [kernel; 2], start(kernel))? })
    }
}

impl Layer for NormConv {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        self.conv.forward(&self.norm.forward_relu(x, pass)?, pass)
    }
}

impl DenseNet {
    /// torchvision's images have 3 channels and 224 × 224 pixels; any of at least 32 × 32 will do.
    pub fn new(scope: &Scope, config: &DenseNetConfig) -> Result<Self> {
        let &DenseNetConfig { growth, bottleneck, .. } = config;
        let features = scope / "features";
        let mut width = config.first;
        let conv0 = Conv2d::new(&(&features / "conv0"), config.channels, width, [7, 7], start(7).stride(2))?;
        let norm0 = BatchNorm2d::new(&(&features / "norm0"), width)?;
        let mut blocks = Vec::with_capacity(config.blocks.len());
        for (number, count) in (1..).zip(config.blocks) {
            let mut layers = Vec::with_capacity(count);
            for layer in 1..=count {
                let scope = &features / format!("denseblock{number}") / format!("denselayer{layer}");
                let inner = bottleneck * growth;
                let first = NormConv::new(&scope, "1", width, inner, 1)?;
                let second = NormConv::new(&scope, "2", inner, growth, 3)?;
                layers.push(DenseLayer { first, second, dropout: Dropout::new(config.dropout)? });
                width += growth;
            }
            let transition = if number < config.blocks.len() {
                let scope = &features / format!("transition{number}");
                let conv = NormConv::new(&scope, "", width, width / 2, 1)?;
                width /= 2;
                Some(Transition { conv, pool: AvgPool2d(Pool2d::new([2, 2])) })
            } else {
                None
            };
            blocks.push((layers, transition));
        }
        let norm5 = BatchNorm2d::new(&(&features / "norm5"), width)?;
        // The weight starts as PyTorch's does.
        let (weight, bias) = (Init::DEFAULT_WEIGHT, Some(Init::Constant(0.0)));
        let classifier = Linear::with_init(&(scope / "classifier"), width, config.classes, weight, bias)?;
        let pool0 = MaxPool2d(Pool2d { stride: [2, 2], padding: [1, 1], ..Pool2d::new([3, 3]) });
        Ok(Self { conv0, norm0, pool0, blocks, norm5, avgpool: AdaptiveAvgPool2d([1, 1]), classifier })
    }
}

impl Layer for DenseNet {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let x = self.norm0.forward_relu(&self.conv0.forward(x, pass)?, pass)?;
        let mut x = self.pool0.forward(&x, pass)?;
        for (layers, transition) in &self.blocks {
            for layer in layers {
                let new = layer.second.forward(&layer.first.forward(&x, pass)?, pass)?;
                x = Var::concat(&[&x, &layer.dropout.forward(&new, pass)?], 1)?;
            }
            if let Some(Transition { conv, pool }) = transition {
                x = pool.forward(&conv.forward(&x, pass)?, pass)?;
            }
        }
        let x = self.norm5.forward_relu(&x, pass)?;
        self.classifier.forward(&self.avgpool.forward(&x, pass)?.flatten(1)?, pass)
    }
}
