//! Residual networks for small images (He et al., arXiv 1512.03385, §4.2), with torchvision's names.

use tilewright_autograd::Var;
use tilewright_nn::{
    Checkpointed, Layer, Pass, Result, Scope, Tap,
    layers::{AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Linear},
};

use crate::blocks::{
    Shortcut,
    residual::{Block, BlockConfig, Kind, conv},
};

/// 6n + 2 layers: a 3×3 convolution, three stages of n blocks with 16, 32 and 64 channels, and a linear layer.
pub struct ResNetCifar {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    /// Three stages.
    stages: Vec<Vec<Checkpointed<Block>>>,
    tap: Tap,
    avgpool: AdaptiveAvgPool2d,
    fc: Linear,
}

impl ResNetCifar {
    /// `blocks` in each stage: 3 gives ResNet-20. Any image of at least 4 × 4 pixels.
    pub fn new(
        scope: &Scope,
        channels: usize,
        classes: usize,
        blocks: usize,
        shortcut: Shortcut,
    ) -> Result<Self> {
        let conv1 = conv(&(scope / "conv1"), channels, 16, 3, 1)?;
        let bn1 = BatchNorm2d::new(&(scope / "bn1"), 16)?;
        let mut stages = Vec::with_capacity(3);
        let mut width = 16;
        for (stage, outputs) in [(1, 16), (2, 32), (3, 64)] {
            let mut all = Vec::with_capacity(blocks);
            for block in 0..blocks {
                let stride = if stage > 1 && block == 0 { 2 } else { 1 };
                let scope = scope / format!("layer{stage}") / block;
                let config = BlockConfig::new(Kind::Basic, width, outputs, stride, shortcut);
                all.push(Checkpointed::asked(Block::new(&scope, &config)?));
                width = outputs;
            }
            stages.push(all);
        }
        Ok(Self {
            conv1,
            bn1,
            stages,
            tap: Tap::new(scope),
            avgpool: AdaptiveAvgPool2d([1, 1]),
            fc: Linear::new(&(scope / "fc"), 64, classes)?,
        })
    }
}

impl Layer for ResNetCifar {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let mut x = self.bn1.forward_relu(&self.conv1.forward(x, pass)?, pass)?;
        for (number, stage) in (1..).zip(&self.stages) {
            for block in stage {
                x = block.forward(&x, pass)?;
            }
            x = self.tap.give_as(format_args!("layer{number}"), x, pass);
        }
        let pooled = self.tap.give_as("avgpool", self.avgpool.forward(&x, pass)?, pass);
        self.fc.forward(&pooled.flatten(1)?, pass)
    }
}
