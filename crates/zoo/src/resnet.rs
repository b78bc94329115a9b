//! Residual networks for photographs (He et al., arXiv 1512.03385, table 1), with torchvision's names.

use tilewright_autograd::Var;
use tilewright_nn::{
    Checkpointed, Layer, Pass, Result, Scope,
    layers::{AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Linear, MaxPool2d},
};
use tilewright_ops::Pool2d;

use crate::residual::{Block, Kind, Shortcut, conv};

/// A 7×7 convolution and a 3×3 pooling, both of stride 2, four stages of blocks, a global average and a linear layer.
pub struct ResNet {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    maxpool: MaxPool2d,
    blocks: Vec<Checkpointed<Block>>,
    avgpool: AdaptiveAvgPool2d,
    fc: Linear,
}

impl ResNet {
    /// The layers that [`Self::new`] takes.
    pub const DEPTHS: [usize; 5] = [18, 34, 50, 101, 152];

    /// ResNet-`depth`, or `None` if [`Self::DEPTHS`] has no such depth. torchvision's images have 3 channels and
    /// 224 × 224 pixels; any of at least 32 × 32 pixels will do. From 50 layers on, blocks are bottlenecks.
    pub fn new(
        scope: &Scope,
        depth: usize,
        channels: usize,
        classes: usize,
        shortcut: Shortcut,
    ) -> Option<Result<Self>> {
        let (kind, stages) = match depth {
            18 => (Kind::Basic, [2, 2, 2, 2]),
            34 => (Kind::Basic, [3, 4, 6, 3]),
            50 => (Kind::Bottleneck, [3, 4, 6, 3]),
            101 => (Kind::Bottleneck, [3, 4, 23, 3]),
            152 => (Kind::Bottleneck, [3, 8, 36, 3]),
            _ => return None,
        };
        Some(Self::of(scope, kind, stages, channels, classes, shortcut))
    }

    fn of(
        scope: &Scope,
        kind: Kind,
        stages: [usize; 4],
        channels: usize,
        classes: usize,
        shortcut: Shortcut,
    ) -> Result<Self> {
        let conv1 = conv(&(scope / "conv1"), channels, 64, 7, 2)?;
        let bn1 = BatchNorm2d::new(&(scope / "bn1"), 64)?;
        let mut all = Vec::with_capacity(stages.iter().sum());
        let mut inputs = 64;
        for (stage, (count, width)) in stages.into_iter().zip([64, 128, 256, 512]).enumerate() {
            for block in 0..count {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let scope = scope / format!("layer{}", stage + 1) / block;
                all.push(Checkpointed::asked(Block::new(&scope, kind, inputs, width, stride, shortcut)?));
                inputs = width * kind.expansion();
            }
        }
        Ok(Self {
            conv1,
            bn1,
            maxpool: MaxPool2d(Pool2d { stride: [2, 2], padding: [1, 1], ..Pool2d::new([3, 3]) }),
            blocks: all,
            avgpool: AdaptiveAvgPool2d([1, 1]),
            fc: Linear::new(&(scope / "fc"), inputs, classes)?,
        })
    }
}

impl Layer for ResNet {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let x = self.bn1.forward_relu(&self.conv1.forward(x, pass)?, pass)?;
        let mut x = self.maxpool.forward(&x, pass)?;
        for block in &self.blocks {
            x = block.forward(&x, pass)?;
        }
        self.fc.forward(&self.avgpool.forward(&x, pass)?.flatten(1)?, pass)
    }
}
