//! Residual networks for small images (He et al., arXiv 1512.03385, §4.2), with 1×1 convolutions on the shortcuts
//! that change shape (option B) and torchvision's names.

use tilewright_autograd::Var;
use tilewright_nn::{
    Module, Pass, Result, Scope,
    init::{Fan, Init},
    layers::{AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Conv2dOptions, Linear},
};

/// 6n + 2 layers: a 3×3 convolution, three stages of n blocks with 16, 32 and 64 channels, and a linear layer.
pub struct ResNetCifar {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    blocks: Vec<BasicBlock>,
    avgpool: AdaptiveAvgPool2d,
    fc: Linear,
}

struct BasicBlock {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    conv2: Conv2d,
    bn2: BatchNorm2d,
    downsample: Option<(Conv2d, BatchNorm2d)>,
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
    pub fn new(scope: &Scope, channels: usize, classes: usize, blocks: usize) -> Result<Self> {
        let conv1 = conv3x3(&(scope / "conv1"), channels, 16, 1)?;
        let bn1 = BatchNorm2d::new(&(scope / "bn1"), 16)?;
        let mut all = Vec::with_capacity(3 * blocks);
        let mut width = 16;
        for (stage, outputs) in [(1, 16), (2, 32), (3, 64)] {
            for block in 0..blocks {
                let stride = if stage > 1 && block == 0 { 2 } else { 1 };
                let scope = scope / format!("layer{stage}") / block;
                all.push(BasicBlock::new(&scope, width, outputs, stride)?);
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
    fn new(scope: &Scope, inputs: usize, outputs: usize, stride: usize) -> Result<Self> {
        let downsample = || {
            let scope = scope / "downsample";
            let options = bias_free(Conv2dOptions::default().stride(stride));
            let conv = Conv2d::new(&(&scope / 0), inputs, outputs, [1, 1], options)?;
            Ok::<_, tilewright_nn::Error>((conv, BatchNorm2d::new(&(&scope / 1), outputs)?))
        };
        Ok(Self {
            conv1: conv3x3(&(scope / "conv1"), inputs, outputs, stride)?,
            bn1: BatchNorm2d::new(&(scope / "bn1"), outputs)?,
            conv2: conv3x3(&(scope / "conv2"), outputs, outputs, 1)?,
            bn2: BatchNorm2d::new(&(scope / "bn2"), outputs)?,
            downsample: (stride != 1 || inputs != outputs).then(downsample).transpose()?,
        })
    }
}

impl Module for BasicBlock {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let y = self.bn1.forward_relu(&self.conv1.forward(x, pass)?, pass)?;
        let y = self.bn2.forward(&self.conv2.forward(&y, pass)?, pass)?;
        let shortcut = match &self.downsample {
            Some((conv, bn)) => bn.forward(&conv.forward(x, pass)?, pass)?,
            None => x.clone(),
        };
        Ok(y.add(&shortcut)?.relu()?)
    }
}
