//! Residual networks for photographs (He et al., arXiv 1512.03385, table 1), with torchvision's names; their wide (Zagoruyko
//! and Komodakis, arXiv 1605.07146) and grouped (Xie et al., arXiv 1611.05431) forms; those with attention, with timm's.

use tilewright_autograd::Var;
use tilewright_nn::{
    Checkpointed, Layer, Pass, Result, Scope, Tap,
    layers::{AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Linear, MaxPool2d},
};
use tilewright_ops::Pool2d;

use crate::blocks::{
    Attention, Shortcut,
    residual::{Block, BlockConfig, Kind, conv},
};

/// What a [`ResNet`] is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResNetConfig {
    /// Whether blocks are bottlenecks, 1×1, 3×3 and 1×1 to four times the channels; else two 3×3.
    pub bottleneck: bool,
    /// Blocks in each stage.
    pub stages: [usize; 4],
    /// Groups of the 3×3 convolutions of bottlenecks.
    pub groups: usize,
    /// Channels of those convolutions, each group's, in the first stage.
    pub width_per_group: usize,
    /// Of the last three stages, those that have a dilation for their stride, as segmentation wants them.
    pub dilated: [bool; 3],
    /// What shortcuts do where the shape changes.
    pub shortcut: Shortcut,
    /// What follows the last convolution of a block.
    pub attention: Attention,
    /// Whether the last BatchNorm of each block starts with a weight of 0, so that the block is the identity (timm's).
    pub zero_last: bool,
    /// Channels of an image.
    pub channels: usize,
    /// Classes.
    pub classes: usize,
}

impl ResNetConfig {
    const fn of(bottleneck: bool, stages: [usize; 4]) -> Self {
        Self {
            bottleneck,
            stages,
            groups: 1,
            width_per_group: 64,
            dilated: [false; 3],
            shortcut: Shortcut::Projection,
            attention: Attention::None,
            zero_last: false,
            channels: 3,
            classes: 1000,
        }
    }

    /// ResNet-18.
    pub const fn resnet18() -> Self {
        Self::of(false, [2, 2, 2, 2])
    }

    /// ResNet-34.
    pub const fn resnet34() -> Self {
        Self::of(false, [3, 4, 6, 3])
    }

    /// ResNet-50.
    pub const fn resnet50() -> Self {
        Self::of(true, [3, 4, 6, 3])
    }

    /// ResNet-101.
    pub const fn resnet101() -> Self {
        Self::of(true, [3, 4, 23, 3])
    }

    /// ResNet-152.
    pub const fn resnet152() -> Self {
        Self::of(true, [3, 8, 36, 3])
    }

    /// ResNet-50 with 3×3 convolutions twice as wide.
    pub const fn wide_resnet50_2() -> Self {
        Self { width_per_group: 128, ..Self::resnet50() }
    }

    /// ResNeXt-50 with 32 groups of 4 channels.
    pub const fn resnext50_32x4d() -> Self {
        Self { groups: 32, width_per_group: 4, ..Self::resnet50() }
    }

    /// ResNet-50 with an attention in each block, as timm makes it.
    pub const fn attentive_resnet50(attention: Attention) -> Self {
        Self { attention, zero_last: true, ..Self::resnet50() }
    }
}

/// A 7×7 convolution and a 3×3 pooling, both of stride 2.
struct Stem {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    maxpool: MaxPool2d,
    tap: Tap,
}

impl Stem {
    fn unpooled(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let y = self.bn1.forward_relu(&self.conv1.forward(x, pass)?, pass)?;
        Ok(self.tap.give_as("relu", y, pass))
    }

    fn pooled(&self, x: &Var, pass: &Pass) -> Result<Var> {
        Ok(self.tap.give_as("maxpool", self.maxpool.forward(x, pass)?, pass))
    }
}

impl Layer for Stem {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        self.pooled(&self.unpooled(x, pass)?, pass)
    }
}

/// A 7×7 convolution and a 3×3 pooling, both of stride 2, and four stages of blocks: `conv1` to `layer4`.
pub struct ResNetFeatures {
    stem: Checkpointed<Stem>,
    stages: Vec<Vec<Checkpointed<Block>>>,
    tap: Tap,
    /// Channels of the last stage.
    pub(crate) outputs: usize,
}

impl ResNetFeatures {
    /// Makes `conv1` to `layer4` under `scope`.
    pub fn new(scope: &Scope, config: &ResNetConfig) -> Result<Self> {
        let &ResNetConfig { groups, width_per_group: base_width, shortcut, attention, .. } = config;
        let kind = if config.bottleneck { Kind::Bottleneck } else { Kind::Basic };
        let last_weight = if config.zero_last { 0.0 } else { 1.0 };
        let conv1 = conv(&(scope / "conv1"), config.channels, 64, 7, 2)?;
        let bn1 = BatchNorm2d::new(&(scope / "bn1"), 64)?;
        let mut stages = Vec::with_capacity(4);
        let (mut inputs, mut dilation) = (64, 1);
        for (stage, (count, width)) in config.stages.into_iter().zip([64, 128, 256, 512]).enumerate() {
            let dilated = stage > 0 && config.dilated[stage - 1];
            let stride = if stage > 0 && !dilated { 2 } else { 1 };
            let mut blocks = Vec::with_capacity(count);
            for block in 0..count {
                let stride = if block == 0 { stride } else { 1 };
                let scope = scope / format!("layer{}", stage + 1) / block;
                let plain = BlockConfig::new(kind, inputs, width, stride, shortcut);
                let config = BlockConfig { dilation, groups, base_width, attention, last_weight, ..plain };
                blocks.push(Checkpointed::asked(Block::new(&scope, &config)?));
                inputs = width * kind.expansion();
                // The first block of a dilated stage still sees its neighbours as the stage before does.
                if dilated && block == 0 {
                    dilation *= 2;
                }
            }
            stages.push(blocks);
        }
        let maxpool = MaxPool2d(Pool2d { stride: [2, 2], padding: [1, 1], ..Pool2d::new([3, 3]) });
        let tap = Tap::new(scope);
        let stem = Checkpointed::asked(Stem { conv1, bn1, maxpool, tap: tap.clone() });
        Ok(Self { stem, stages, tap, outputs: inputs })
    }

    /// The output of `conv1`, `bn1` and the ReLU, half as high and wide as the image.
    pub fn stem(&self, x: &Var, pass: &Pass) -> Result<Var> {
        self.stem.layer().unpooled(x, pass)
    }

    /// The outputs of `layer1` to `layer4`, from that of [`Self::stem`].
    pub fn stages(&self, stem: &Var, pass: &Pass) -> Result<[Var; 4]> {
        let mut outputs = std::array::from_fn(|_| stem.clone());
        let pooled = self.stem.layer().pooled(stem, pass)?;
        self.run(pooled, pass, |stage, output| outputs[stage].clone_from(output))?;
        Ok(outputs)
    }

    /// The output of the last stage, from the pooled stem; `each` sees every stage's, with its number from 0.
    fn run(&self, mut x: Var, pass: &Pass, mut each: impl FnMut(usize, &Var)) -> Result<Var> {
        for (number, stage) in self.stages.iter().enumerate() {
            for block in stage {
                x = block.forward(&x, pass)?;
            }
            x = self.tap.give_as(format_args!("layer{}", number + 1), x, pass);
            each(number, &x);
        }
        Ok(x)
    }
}

impl Layer for ResNetFeatures {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        // A tape keeps what it needs by itself; without one, the stages before the last are not held.
        self.run(self.stem.forward(x, pass)?, pass, |_, _| ())
    }
}

/// [`ResNetFeatures`], a global average and a linear layer.
pub struct ResNet {
    features: ResNetFeatures,
    avgpool: AdaptiveAvgPool2d,
    fc: Linear,
}

impl ResNet {
    /// torchvision's images have 3 channels and 224 × 224 pixels; any of at least 32 × 32 pixels will do.
    pub fn new(scope: &Scope, config: &ResNetConfig) -> Result<Self> {
        let features = ResNetFeatures::new(scope, config)?;
        let fc = Linear::new(&(scope / "fc"), features.outputs, config.classes)?;
        Ok(Self { features, avgpool: AdaptiveAvgPool2d([1, 1]), fc })
    }
}

impl Layer for ResNet {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let x = self.features.forward(x, pass)?;
        let pooled = self.features.tap.give_as("avgpool", self.avgpool.forward(&x, pass)?, pass);
        self.fc.forward(&pooled.flatten(1)?, pass)
    }
}
