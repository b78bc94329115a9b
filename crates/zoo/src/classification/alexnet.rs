//! AlexNet in the form of its author's later paper (Krizhevsky, arXiv 1404.5997), with torchvision's names.

use tilewright_autograd::Var;
use tilewright_nn::{
    Checkpointed, Layer, Pass, Result, Scope, Sequential, Tapped,
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
        let features = scope / "features";
        let (mut layers, mut inputs) = (Sequential::at(&features), config.channels);
        for (index, width, kernel, stride, padding, pooled) in CONVOLUTIONS {
            let options = Conv2dOptions::default().stride(stride).padding(padding);
            let conv = Conv2d::new(&(&features / index), inputs, width, [kernel; 2], options)?;
            let relu = Tapped::new(Activation(UnaryOp::Relu), [&(&features / (index + 1))]);
            let mut part = Sequential::new().then(conv).then(relu);
            if pooled {
                let pool = MaxPool2d(Pool2d { stride: [2, 2], ..Pool2d::new([3, 3]) });
                part.push(Tapped::new(pool, [&(&features / (index + 2))]));
            }
            layers.push(Checkpointed::asked(part));
            inputs = width;
        }
        let avgpool = Tapped::new(AdaptiveAvgPool2d([6, 6]), [&(scope / "avgpool")]);
        let head = scope / "classifier";
        let mut classifier = Sequential::under(&head);
        for inputs in [inputs * 36, HIDDEN] {
            classifier.push(Dropout::new(config.dropout)?);
            classifier.push(Linear::new(&(&head / classifier.len()), inputs, HIDDEN)?);
            classifier.push(Activation(UnaryOp::Relu));
        }
        classifier.push(Linear::new(&(&head / classifier.len()), HIDDEN, config.classes)?);
        Ok(Self(Sequential::new().then(layers).then(avgpool).then(Flatten).then(classifier)))
    }
}

impl Layer for AlexNet {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        self.0.forward(x, pass)
    }
}
