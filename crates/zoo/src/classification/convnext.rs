//! ConvNeXt (Liu et al., arXiv 2201.03545), with torchvision's names.

use std::sync::Arc;

use tilewright_autograd::Var;
use tilewright_nn::{
    Checkpointed, Layer, Parameter, Pass, Result, Scope, Sequential, Tap, Tapped,
    init::Init,
    layers::{AdaptiveAvgPool2d, Conv2d, Conv2dOptions, Flatten, LayerNorm2d, Linear, StochasticDepth},
};
use tilewright_ops::{self as ops, UnaryOp};

/// What a [`ConvNeXt`] is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvNeXtConfig {
    /// Blocks in each stage.
    pub blocks: [usize; 4],
    /// Channels in each stage.
    pub widths: [usize; 4],
    /// What every block's output is scaled by at first.
    pub layer_scale: f32,
    /// The probability with which training drops the last block; it rises to it from 0.
    pub stochastic_depth: f32,
    /// Channels of an image.
    pub channels: usize,
    /// Classes.
    pub classes: usize,
}

impl ConvNeXtConfig {
    /// ConvNeXt-T.
    pub const fn tiny() -> Self {
        let (blocks, widths) = ([3, 3, 9, 3], [96, 192, 384, 768]);
        Self { blocks, widths, layer_scale: 1e-6, stochastic_depth: 0.1, channels: 3, classes: 1000 }
    }
}

const EPS: f32 = 1e-6;

/// The start of every weight. torchvision cuts it off at 100 deviations, which is nowhere.
const START: Init = Init::Normal(0.02);
const ZERO: Init = Init::Constant(0.0);

/// A 4×4 convolution of stride 4, four stages of blocks with a 2×2 convolution of stride 2 between them, a global mean and a
/// linear layer.
pub struct ConvNeXt(Sequential);

fn start() -> Conv2dOptions {
    Conv2dOptions::default().init(START).bias_init(ZERO)
}

impl ConvNeXt {
    /// torchvision's images have 3 channels and 224 × 224 pixels; any of at least 32 × 32 will do.
    pub fn new(scope: &Scope, config: &ConvNeXtConfig) -> Result<Self> {
        let features = scope / "features";
        let count: usize = config.blocks.iter().sum();
        let (mut layers, mut inputs, mut before) = (Sequential::at(&features), config.channels, 0);
        for (stage, (blocks, width)) in config.blocks.into_iter().zip(config.widths).enumerate() {
            let scope = &features / (2 * stage);
            let smaller = Sequential::under(&scope);
            layers.push(if stage == 0 {
                let stem = Conv2d::new(&(&scope / 0), inputs, width, [4, 4], start().stride(4))?;
                smaller.then(stem).then(LayerNorm2d::new(&(&scope / 1), width, EPS)?)
            } else {
                let norm = LayerNorm2d::new(&(&scope / 0), inputs, EPS)?;
                let halve = Conv2d::new(&(&scope / 1), inputs, width, [2, 2], start().stride(2))?;
                smaller.then(norm).then(halve)
            });
            let scope = &features / (2 * stage + 1);
            let mut same = Sequential::at(&scope);
            for block in 0..blocks {
                let rise = before as f32 / (count.saturating_sub(1).max(1)) as f32;
                let depth = StochasticDepth::new(config.stochastic_depth * rise)?;
                let block = Block::new(&(&scope / block), width, config.layer_scale, depth)?;
                same.push(Checkpointed::asked(block));
                before += 1;
            }
            layers.push(same);
            inputs = width;
        }
        let head = scope / "classifier";
        let norm = LayerNorm2d::new(&(&head / 0), inputs, EPS)?;
        let linear = Linear::with_init(&(&head / 2), inputs, config.classes, START, Some(ZERO))?;
        let avgpool = Tapped::new(AdaptiveAvgPool2d([1, 1]), [&(scope / "avgpool")]);
        let classifier = Sequential::under(&head).then(norm).then(Flatten).then(linear);
        Ok(Self(Sequential::new().then(layers).then(avgpool).then(classifier)))
    }
}

/// A 7×7 depthwise convolution, a normalisation over channels and two layers of each pixel, scaled and added to the input.
struct Block {
    layer_scale: Arc<Parameter>,
    depthwise: Conv2d,
    norm: LayerNorm2d,
    widen: Pixelwise,
    narrow: Pixelwise,
    depth: StochasticDepth,
    tap: Tap,
}

impl Block {
    fn new(scope: &Scope, width: usize, scale: f32, depth: StochasticDepth) -> Result<Self> {
        let layer_scale = scope.parameter("layer_scale", &[width, 1, 1], Init::Constant(scale))?;
        let block = scope / "block";
        let options = start().padding(3).groups(width);
        Ok(Self {
            layer_scale,
            depthwise: Conv2d::new(&(&block / 0), width, width, [7, 7], options)?,
            norm: LayerNorm2d::new(&(&block / 2), width, EPS)?,
            widen: Pixelwise::new(&(&block / 3), width, 4 * width)?,
            narrow: Pixelwise::new(&(&block / 5), 4 * width, width)?,
            depth,
            tap: Tap::new(scope),
        })
    }
}

impl Layer for Block {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        // torchvision has the channels last from `block.1` to `block.5`.
        let last = |name: &str, y: Var| -> Result<Var> {
            if self.tap.is_part_wanted(name, pass) {
                self.tap.give_as(name, y.permute(&[0, 2, 3, 1])?, pass);
            }
            Ok(y)
        };
        let y = last("block.1", self.depthwise.forward(x, pass)?)?;
        let y = last("block.2", self.norm.forward(&y, pass)?)?;
        let y = last("block.3", self.widen.forward(&last("block.3.input", y)?, pass)?)?;
        let y = last("block.4", y.unary(UnaryOp::Gelu)?)?;
        let y = last("block.5", self.narrow.forward(&last("block.5.input", y)?, pass)?)?;
        let y = self
            .tap
            .give_as("block", self.tap.give_as("block.6", y, pass), pass)
            .mul(&self.layer_scale.var(pass)?)?;
        Ok(self.tap.give(self.depth.forward(&y, pass)?.add(x)?, pass))
    }
}

/// A linear layer of each pixel: its weight is O I, as a linear layer has it, and it computes as a 1×1 convolution, so that
/// channels need not become the last axis.
struct Pixelwise {
    weight: Arc<Parameter>,
    bias: Arc<Parameter>,
    tap: Tap,
}

impl Pixelwise {
    fn new(scope: &Scope, inputs: usize, outputs: usize) -> Result<Self> {
        let weight = scope.parameter("weight", &[outputs, inputs], START)?;
        Ok(Self { weight, bias: scope.parameter("bias", &[outputs], ZERO)?, tap: Tap::new(scope) })
    }
}

impl Layer for Pixelwise {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let outputs = self.weight.shape().first().map_or(-1, |&extent| extent as isize);
        let weight = self.weight.var(pass)?.reshape(&[outputs, -1, 1, 1])?;
        let y = x.conv2d(&weight, Some(&self.bias.var(pass)?), &ops::Conv2d::default())?;
        Ok(self.tap.give(y, pass))
    }
}

impl Layer for ConvNeXt {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        self.0.forward(x, pass)
    }
}
