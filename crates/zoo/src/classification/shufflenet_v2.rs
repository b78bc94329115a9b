//! ShuffleNetV2 (Ma et al., arXiv 1807.11164, table 5), with torchvision's names.

use tilewright_autograd::Var;
use tilewright_nn::{
    Checkpointed, Layer, Pass, Result, Scope, Sequential, Tap, Tapped,
    init::Init,
    layers::{AdaptiveAvgPool2d, Linear, MaxPool2d},
};
use tilewright_ops::{Pool2d, UnaryOp};

use crate::blocks::conv_norm::{ConvNorm, ConvNormConfig};

/// What a [`ShuffleNetV2`] is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShuffleNetV2Config {
    /// Channels of the three stages and of the last convolution.
    pub widths: [usize; 4],
    /// Channels of an image.
    pub channels: usize,
    /// Classes.
    pub classes: usize,
}

impl ShuffleNetV2Config {
    /// Half the channels.
    pub const fn x0_5() -> Self {
        Self { widths: [48, 96, 192, 1024], channels: 3, classes: 1000 }
    }

    /// The plain one.
    pub const fn x1_0() -> Self {
        Self { widths: [116, 232, 464, 1024], ..Self::x0_5() }
    }
}

/// Blocks of each stage.
const BLOCKS: [usize; 3] = [4, 8, 4];

/// A 3×3 convolution and a pooling, three stages of blocks, a 1×1 convolution, a global mean and a linear layer.
pub struct ShuffleNetV2 {
    conv1: ConvNorm,
    maxpool: Tapped<MaxPool2d>,
    stages: Sequential,
    conv5: ConvNorm,
    avgpool: AdaptiveAvgPool2d,
    fc: Linear,
}

/// Its convolutions start as PyTorch's do.
fn plain(kernel: usize, activation: Option<UnaryOp>) -> ConvNormConfig {
    ConvNormConfig::new(kernel, activation).init(Init::DEFAULT_WEIGHT)
}

const RELU: Option<UnaryOp> = Some(UnaryOp::Relu);

impl ShuffleNetV2 {
    /// torchvision's images have 3 channels and 224 × 224 pixels.
    pub fn new(scope: &Scope, config: &ShuffleNetV2Config) -> Result<Self> {
        let mut inputs = 24;
        let conv1 = ConvNorm::new(&(scope / "conv1"), config.channels, inputs, plain(3, RELU).stride(2))?;
        let [widths @ .., last] = config.widths;
        let mut stages = Sequential::new();
        for (stage, (width, count)) in (2..).zip(widths.into_iter().zip(BLOCKS)) {
            let scope = scope / format!("stage{stage}");
            let mut blocks = Sequential::at(&scope);
            for block in 0..count {
                let block = Block::new(&(&scope / block), inputs, width, block == 0)?;
                blocks.push(Checkpointed::asked(block));
                inputs = width;
            }
            stages.push(blocks);
        }
        let conv5 = ConvNorm::new(&(scope / "conv5"), inputs, last, plain(1, RELU))?;
        let fc = Linear::new(&(scope / "fc"), last, config.classes)?;
        let maxpool = MaxPool2d(Pool2d { stride: [2, 2], padding: [1, 1], ..Pool2d::new([3, 3]) });
        let maxpool = Tapped::new(maxpool, [&(scope / "maxpool")]);
        Ok(Self { conv1, maxpool, stages, conv5, avgpool: AdaptiveAvgPool2d([1, 1]), fc })
    }
}

/// Half of the channels pass, the other half goes through three convolutions; then both are shuffled together. The first
/// block of a stage halves the size, and has convolutions in both branches, each of all channels.
struct Block {
    branch1: Option<[ConvNorm; 2]>,
    branch2: [ConvNorm; 3],
    tap: Tap,
}

impl Block {
    fn new(scope: &Scope, inputs: usize, outputs: usize, halves: bool) -> Result<Self> {
        let (half, stride) = (outputs / 2, if halves { 2 } else { 1 });
        // The convolution and the BatchNorm of an index lie flat in the branch.
        let conv = |branch: &str, at: usize, inputs, outputs, config| {
            let scopes = [&(scope / branch / at), &(scope / branch / (at + 1))];
            ConvNorm::named(scopes, inputs, outputs, config)
        };
        let depthwise = |channels: usize| plain(3, None).stride(stride).groups(channels);
        let branch1 = if halves {
            let first = conv("branch1", 0, inputs, inputs, depthwise(inputs))?;
            Some([first, conv("branch1", 2, inputs, half, plain(1, RELU))?.at(&(scope / "branch1"))])
        } else {
            None
        };
        let branch2 = [
            conv("branch2", 0, if halves { inputs } else { half }, half, plain(1, RELU))?,
            conv("branch2", 3, half, half, depthwise(half))?,
            conv("branch2", 5, half, half, plain(1, RELU))?.at(&(scope / "branch2")),
        ];
        Ok(Self { branch1, branch2, tap: Tap::new(scope) })
    }
}

impl Layer for Block {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let through = |x: &Var, layers: &[ConvNorm]| {
            layers.iter().try_fold(x.clone(), |x, layer| layer.forward(&x, pass))
        };
        let (left, right) = match &self.branch1 {
            Some(branch1) => (through(x, branch1)?, through(x, &self.branch2)?),
            None => {
                let channels = x.shape().get(1).copied().unwrap_or_default();
                let parts = x.split(1, &[channels / 2, channels - channels / 2])?;
                match &parts[..] {
                    [left, right] => (left.clone(), through(right, &self.branch2)?),
                    _ => return Ok(x.clone()),
                }
            }
        };
        Ok(self.tap.give(shuffle(&Var::concat(&[&left, &right], 1)?)?, pass))
    }
}

/// The channels of two halves by turns.
fn shuffle(x: &Var) -> Result<Var> {
    let shape: Vec<_> = x.shape().iter().map(|&extent| extent as isize).collect();
    let [batch, channels, height, width] = shape[..] else { return Ok(x.clone()) };
    let halves = x.reshape(&[batch, 2, channels / 2, height * width])?.permute(&[0, 2, 1, 3])?;
    Ok(halves.reshape(&[batch, channels, height, width])?)
}

impl Layer for ShuffleNetV2 {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let x = self.maxpool.forward(&self.conv1.forward(x, pass)?, pass)?;
        let x = self.conv5.forward(&self.stages.forward(&x, pass)?, pass)?;
        self.fc.forward(&self.avgpool.forward(&x, pass)?.flatten(1)?, pass)
    }
}
