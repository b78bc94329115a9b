//! AlexNet in the form of its author's later paper (Krizhevsky, arXiv 1404.5997), with torchvision's names.

use tilewright_autograd::Var;
use tilewright_nn::{
    Layer, Pass, Result, Scope, Sequential,
    layers::{Activation, AdaptiveAvgPool2d, Conv2d, Conv2dOptions, Dropout, Flatten, Linear, MaxPool2d},
};
use tilewright_ops::{Pool2d, UnaryOp};

/// What an [`AlexNet`] is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlexNetConfig {
    /// The probability of dropout in front of the first two linear layers.
    pub dropout: f32,
    /// Channels of an image.
    pub channels: usize,
    /// Classes.
    pub classes: usize,
}

impl Default for AlexNetConfig {
    /// torchvision's.
    fn default() -> Self {
        Self { dropout: 0.5, channels: 3, classes: 1000 }
    }
}

/// Five convolutions with three poolings, means over 6 × 6 windows, and three linear layers.
pub struct AlexNet(Sequential);

/// A convolution: its index in `features`, output channels, kernel, stride, padding, and whether a pooling follows.
const CONVOLUTIONS: [(usize, usize, usize, usize, usize, bool); 5] = [
    (0, 64, 11, 4, 2, true),
    (3, 192, 5, 1, 2, true),
    (6, 384, 3, 1, 1, false),
    (8, 256, 3, 1, 1, false),
    (10, 256, 3, 1, 1, true),
];

/// Features between the linear layers.
const HIDDEN: usize = 4096;

impl AlexNet {
    /// torchvision's images have 3 channels and 224 × 224 pixels; any of at least 63 × 63 will do.
    pub fn new(scope: &Scope, config: &AlexNetConfig) -> Result<Self> {
        let (mut layers, mut inputs) = (Sequential::new(), config.channels);
        for (index, width, kernel, stride, padding, pooled) in CONVOLUTIONS {
            let options = Conv2dOptions::default().stride(stride).padding(padding);
            let scope = scope / "features" / index;
            layers.push(Conv2d::new(&scope, inputs, width, [kernel; 2], options)?);
            layers.push(Activation(UnaryOp::Relu));
            if pooled {
                layers.push(MaxPool2d(Pool2d { stride: [2, 2], ..Pool2d::new([3, 3]) }));
            }
            inputs = width;
        }
        layers = layers.then(AdaptiveAvgPool2d([6, 6])).then(Flatten);
        for (index, inputs) in [(1, inputs * 36), (4, HIDDEN)] {
            layers = layers
                .then(Dropout::new(config.dropout)?)
                .then(Linear::new(&(scope / "classifier" / index), inputs, HIDDEN)?)
                .then(Activation(UnaryOp::Relu));
        }
        Ok(Self(layers.then(Linear::new(&(scope / "classifier" / 6), HIDDEN, config.classes)?)))
    }
}

impl Layer for AlexNet {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        self.0.forward(x, pass)
    }
}
