//! DenseNet-BC (Huang et al., arXiv 1608.06993, table 1), with torchvision's names.

use tilewright_autograd::Var;
use tilewright_nn::{
    Checkpointed, Layer, Pass, Result, Scope, Tap,
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
    stem: Checkpointed<Stem>,
    blocks: Vec<Block>,
    norm5: BatchNorm2d,
    avgpool: AdaptiveAvgPool2d,
    classifier: Linear,
    /// Of `features`.
    tap: Tap,
}

struct Stem {
    conv0: Conv2d,
    norm0: BatchNorm2d,
    pool0: MaxPool2d,
    tap: Tap,
}

/// A dense block in parts, and what follows it.
struct Block {
    parts: Vec<Checkpointed<DenseLayers>>,
    tap: Tap,
    transition: Option<Transition>,
}

/// Layers of a block that are computed anew together in gradient checkpointing. Of each alone its input would be kept, which is all
/// that is before it once more: the most of what a block saves.
const PART: usize = 4;

/// Some layers of a block, one behind the other: each sees the channels of all before it, and adds some.
struct DenseLayers(Vec<DenseLayer>);

/// A BatchNorm with a ReLU, and a convolution.
struct NormConv {
    norm: BatchNorm2d,
    conv: Conv2d,
    /// Where the ReLU's output is found.
    relu: Tap,
}

struct DenseLayer {
    first: NormConv,
    second: NormConv,
    dropout: Dropout,
    tap: Tap,
}

struct Transition {
    conv: NormConv,
    pool: AvgPool2d,
    tap: Tap,
}

fn start(kernel: usize) -> Conv2dOptions {
    let init = Init::KaimingNormal(Fan::In, Init::RELU_GAIN);
    Conv2dOptions::default().padding(kernel / 2).no_bias().init(init)
}

impl NormConv {
    fn new(scope: &Scope, number: &str, inputs: usize, outputs: usize, kernel: usize) -> Result<Self> {
        let norm = BatchNorm2d::new(&(scope / format!("norm{number}")), inputs)?;
        let conv = scope / format!("conv{number}");
        let conv = Conv2d::new(&conv, inputs, outputs, [kernel; 2], start(kernel))?;
        Ok(Self { norm, conv, relu: Tap::new(&(scope / format!("relu{number}"))) })
    }
}

impl Layer for NormConv {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let x = self.relu.give(self.norm.forward_relu(x, pass)?, pass);
        self.conv.forward(&x, pass)
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
            let scope = &features / format!("denseblock{number}");
            let tap = Tap::new(&scope);
            let mut parts = Vec::with_capacity(count.div_ceil(PART));
            let mut layers = Vec::with_capacity(PART);
            for layer in 1..=count {
                let scope = &scope / format!("denselayer{layer}");
                let inner = bottleneck * growth;
                let first = NormConv::new(&scope, "1", width, inner, 1)?;
                let second = NormConv::new(&scope, "2", inner, growth, 3)?;
                let (dropout, tap) = (Dropout::new(config.dropout)?, Tap::new(&scope));
                layers.push(DenseLayer { first, second, dropout, tap });
                if layers.len() == PART || layer == count {
                    parts.push(Checkpointed::asked(DenseLayers(std::mem::take(&mut layers))));
                }
                width += growth;
            }
            let transition = if number < config.blocks.len() {
                let scope = &features / format!("transition{number}");
                let conv = NormConv::new(&scope, "", width, width / 2, 1)?;
                width /= 2;
                Some(Transition { conv, pool: AvgPool2d(Pool2d::new([2, 2])), tap: Tap::new(&scope) })
            } else {
                None
            };
            blocks.push(Block { parts, tap, transition });
        }
        let norm5 = BatchNorm2d::new(&(&features / "norm5"), width)?;
        // The weight starts as PyTorch's does.
        let (weight, bias) = (Init::DEFAULT_WEIGHT, Some(Init::Constant(0.0)));
        let classifier = Linear::with_init(&(scope / "classifier"), width, config.classes, weight, bias)?;
        let pool0 = MaxPool2d(Pool2d { stride: [2, 2], padding: [1, 1], ..Pool2d::new([3, 3]) });
        let tap = Tap::new(&features);
        let stem = Checkpointed::asked(Stem { conv0, norm0, pool0, tap: tap.clone() });
        Ok(Self { stem, blocks, norm5, avgpool: AdaptiveAvgPool2d([1, 1]), classifier, tap })
    }
}

impl Layer for Stem {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let x = self.norm0.forward_relu(&self.conv0.forward(x, pass)?, pass)?;
        let x = self.tap.give_as("relu0", x, pass);
        Ok(self.tap.give_as("pool0", self.pool0.forward(&x, pass)?, pass))
    }
}

impl Layer for DenseLayers {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let mut x = x.clone();
        for layer in &self.0 {
            let new = layer.second.forward(&layer.first.forward(&x, pass)?, pass)?;
            let new = layer.tap.give(layer.dropout.forward(&new, pass)?, pass);
            x = Var::concat(&[&x, &new], 1)?;
        }
        Ok(x)
    }
}

impl Layer for Block {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let x = self.parts.iter().try_fold(x.clone(), |x, part| part.forward(&x, pass))?;
        let x = self.tap.give(x, pass);
        let Some(Transition { conv, pool, tap }) = &self.transition else { return Ok(x) };
        let x = pool.forward(&conv.forward(&x, pass)?, pass)?;
        Ok(tap.give(tap.give_as("pool", x, pass), pass))
    }
}

impl Layer for DenseNet {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let x =
            self.blocks.iter().try_fold(self.stem.forward(x, pass)?, |x, block| block.forward(&x, pass))?;
        // torchvision's `features` ends in front of the ReLU.
        let x = if self.tap.is_wanted(pass) {
            self.tap.give(self.norm5.forward(&x, pass)?, pass).relu()?
        } else {
            self.tap.give(self.norm5.forward_relu(&x, pass)?, pass)
        };
        self.classifier.forward(&self.avgpool.forward(&x, pass)?.flatten(1)?, pass)
    }
}
