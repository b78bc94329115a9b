//! Residual networks for small images (He et al., arXiv 1512.03385, §4.2), with torchvision's names.

use tilewright_autograd::Var;
use tilewright_nn::{
    Module, Pass, Result, Scope,
    init::{Fan, Init},
    layers::{AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Conv2dOptions, Linear},
};
use tilewright_ops::SliceRange;

/// 6n + 2 layers: a 3×3 convolution, three stages of n blocks with 16, 32 and 64 channels, and a linear layer.
pub struct ResNetCifar {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    blocks: Vec<BasicBlock>,
    avgpool: AdaptiveAvgPool2d,
    fc: Linear,
}

/// What a shortcut does where the block changes the shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shortcut {
    /// A 1×1 convolution with its BatchNorm, `downsample.0` and `.1` (option B; torchvision's).
    #[default]
    Projection,
    /// Every second pixel, with zeros for the channels that are new (option A; the paper's for CIFAR). No parameters.
    Padding,
}

struct BasicBlock {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    conv2: Conv2d,
    bn2: BatchNorm2d,
    shortcut: Path,
}

/// A shortcut as it was built.
enum Path {
    Identity,
    Projection(Box<(Conv2d, BatchNorm2d)>),
    Padding { stride: usize, before: usize, after: usize },
}

fn conv3x3(scope: &Scope, inputs: usize, outputs: usize, stride: usize) -> Result<Conv2d> {
    let options = Conv2dOptions::default().padding(1).stride(stride);
    Conv2d::new(scope, inputs, outputs, [3, 3], bias_free(options))
}

/// torchvision's ResNet: no bias before a BatchNorm, Kaiming normal by the fan out.
fn bias_free(options: Conv2dOptions) -> Conv2dOptions {
    options.no_bias().init(Init::KaimingNormal(Fan::Out, Init::RELU_GAIN))
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
        let conv1 = conv3x3(&(scope / "conv1"), channels, 16, 1)?;
        let bn1 = BatchNorm2d::new(&(scope / "bn1"), 16)?;
        let mut all = Vec::with_capacity(3 * blocks);
        let mut width = 16;
        for (stage, outputs) in [(1, 16), (2, 32), (3, 64)] {
            for block in 0..blocks {
                let stride = if stage > 1 && block == 0 { 2 } else { 1 };
                let scope = scope / format!("layer{stage}") / block;
                all.push(BasicBlock::new(&scope, width, outputs, stride, shortcut)?);
                width = outputs;
            }
        }
        Ok(Self {
            conv1,
            bn1,
            blocks: all,
            avgpool: AdaptiveAvgPool2d([1, 1]),
            fc: Linear::new(&(scope / "fc"), 64, classes)?,
        })
    }
}

impl Module for ResNetCifar {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let mut x = self.bn1.forward_relu(&self.conv1.forward(x, pass)?, pass)?;
        for block in &self.blocks {
            x = block.forward(&x, pass)?;
        }
        self.fc.forward(&self.avgpool.forward(&x, pass)?.flatten(1)?, pass)
    }
}

impl BasicBlock {
    fn new(scope: &Scope, inputs: usize, outputs: usize, stride: usize, shortcut: Shortcut) -> Result<Self> {
        let conv1 = conv3x3(&(scope / "conv1"), inputs, outputs, stride)?;
        let bn1 = BatchNorm2d::new(&(scope / "bn1"), outputs)?;
        let conv2 = conv3x3(&(scope / "conv2"), outputs, outputs, 1)?;
        let bn2 = BatchNorm2d::new(&(scope / "bn2"), outputs)?;
        let shortcut = match shortcut {
            _ if stride == 1 && inputs == outputs => Path::Identity,
            Shortcut::Projection => {
                let scope = scope / "downsample";
                let options = bias_free(Conv2dOptions::default().stride(stride));
                let conv = Conv2d::new(&(&scope / 0), inputs, outputs, [1, 1], options)?;
                Path::Projection(Box::new((conv, BatchNorm2d::new(&(&scope / 1), outputs)?)))
            }
            Shortcut::Padding => {
                let before = (outputs - inputs) / 2;
                Path::Padding { stride, before, after: outputs - inputs - before }
            }
        };
        Ok(Self { conv1, bn1, conv2, bn2, shortcut })
    }
}

impl Path {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        match self {
            Self::Identity => Ok(x.clone()),
            Self::Projection(layers) => layers.1.forward(&layers.0.forward(x, pass)?, pass),
            &Self::Padding { stride, before, after } => {
                let mut ranges: Vec<_> = x.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
                for range in ranges.iter_mut().skip(2) {
                    range.step = stride;
                }
                Ok(x.slice(&ranges)?.pad(&[(0, 0), (before, after), (0, 0), (0, 0)], 0.0)?)
            }
        }
    }
}

impl Module for BasicBlock {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let y = self.bn1.forward_relu(&self.conv1.forward(x, pass)?, pass)?;
        let y = self.bn2.forward(&self.conv2.forward(&y, pass)?, pass)?;
        Ok(y.add(&self.shortcut.forward(x, pass)?)?.relu()?)
    }
}
