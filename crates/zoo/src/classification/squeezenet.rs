//! SqueezeNet (Iandola et al., arXiv 1602.07360; 1.1 is the authors' later form), with torchvision's names.

use tilewright_autograd::Var;
use tilewright_nn::{
    Checkpointed, Layer, Pass, Result, Scope, Sequential, Tap,
    init::{Fan, Init},
    layers::{Activation, AdaptiveAvgPool2d, Conv2d, Conv2dOptions, Dropout, Flatten, MaxPool2d},
};
use tilewright_ops::{Pool2d, UnaryOp};

/// What a [`SqueezeNet`] is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SqueezeNetConfig {
    /// The authors' later form: a smaller first convolution and earlier poolings.
    pub v1_1: bool,
    /// The probability of dropout in front of the last convolution.
    pub dropout: f32,
    /// Channels of an image.
    pub channels: usize,
    /// Classes.
    pub classes: usize,
}

impl SqueezeNetConfig {
    /// SqueezeNet 1.0.
    pub const fn v1_0() -> Self {
        Self { v1_1: false, dropout: 0.5, channels: 3, classes: 1000 }
    }

    /// SqueezeNet 1.1.
    pub const fn v1_1() -> Self {
        Self { v1_1: true, ..Self::v1_0() }
    }
}

/// Channels of a fire module's squeezing layer and of each expanding one.
const FIRES: [(usize, usize); 8] =
    [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)];

/// A convolution, eight fire modules with three poolings, a 1×1 convolution to the classes and a global mean.
pub struct SqueezeNet(Sequential);

fn start() -> Conv2dOptions {
    Conv2dOptions::default()
        .init(Init::KaimingUniform(Fan::In, Init::RELU_GAIN))
        .bias_init(Init::Constant(0.0))
}

impl SqueezeNet {
    /// torchvision's images have 3 channels and 224 × 224 pixels; any of at least 32 × 32 will do.
    pub fn new(scope: &Scope, config: &SqueezeNetConfig) -> Result<Self> {
        let features = scope / "features";
        let pool = || MaxPool2d(Pool2d { stride: [2, 2], ceil_mode: true, ..Pool2d::new([3, 3]) });
        // The fire modules in front of which the second and third pooling are.
        let (mut inputs, kernel, pooled) = if config.v1_1 { (64, 3, [2, 4]) } else { (96, 7, [3, 7]) };
        let stem = Conv2d::new(&(&features / 0), config.channels, inputs, [kernel; 2], start().stride(2))?;
        let mut layers = Sequential::under(&features);
        layers = layers.then(stem).then(Activation(UnaryOp::Relu)).then(pool());
        for (at, (squeezed, expanded)) in FIRES.into_iter().enumerate() {
            if pooled.contains(&at) {
                layers.push(pool());
            }
            let fire = Fire::new(&(&features / layers.len()), inputs, squeezed, expanded)?;
            layers.push(Checkpointed::asked(fire));
            inputs = 2 * expanded;
        }
        let options = start().init(Init::Normal(0.01));
        let head = scope / "classifier";
        let last = Conv2d::new(&(&head / 1), inputs, config.classes, [1, 1], options)?;
        let classifier = Sequential::under(&head)
            .then(Dropout::new(config.dropout)?)
            .then(last)
            .then(Activation(UnaryOp::Relu))
            .then(AdaptiveAvgPool2d([1, 1]));
        Ok(Self(Sequential::new().then(layers).then(classifier).then(Flatten)))
    }
}

/// A 1×1 convolution to few channels, then a 1×1 and a 3×3 one beside each other.
struct Fire {
    squeeze: Conv2d,
    expand1x1: Conv2d,
    expand3x3: Conv2d,
    tap: Tap,
}

impl Fire {
    fn new(scope: &Scope, inputs: usize, squeezed: usize, expanded: usize) -> Result<Self> {
        let conv = |name: &str, inputs, outputs, kernel: usize| {
            Conv2d::new(&(scope / name), inputs, outputs, [kernel; 2], start().padding(kernel / 2))
        };
        Ok(Self {
            squeeze: conv("squeeze", inputs, squeezed, 1)?,
            expand1x1: conv("expand1x1", squeezed, expanded, 1)?,
            expand3x3: conv("expand3x3", squeezed, expanded, 3)?,
            tap: Tap::new(scope),
        })
    }
}

impl Layer for Fire {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let part = |name: &str, conv: &Conv2d, x: &Var| -> Result<Var> {
            Ok(self.tap.give_as(format_args!("{name}_activation"), conv.forward(x, pass)?.relu()?, pass))
        };
        let x = part("squeeze", &self.squeeze, x)?;
        let small = part("expand1x1", &self.expand1x1, &x)?;
        let large = part("expand3x3", &self.expand3x3, &x)?;
        Ok(self.tap.give(Var::concat(&[&small, &large], 1)?, pass))
    }
}

impl Layer for SqueezeNet {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        self.0.forward(x, pass)
    }
}
