//! VGG (Simonyan and Zisserman, arXiv 1409.1556, table 1), with torchvision's names.

use tilewright_autograd::Var;
use tilewright_nn::{
    Checkpointed, Layer, Pass, Result, Scope, Sequential, Tap, Tapped,
    init::{Fan, Init},
    layers::{
        Activation, AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Conv2dOptions, Dropout, Flatten, Linear,
        MaxPool2d,
    },
};
use tilewright_ops::{Pool2d, UnaryOp};

/// What a [`Vgg`] is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VggConfig {
    /// Convolutions in each of the five stages, of 64, 128, 256, 512 and 512 channels.
    pub stages: [usize; 5],
    /// Whether a BatchNorm follows each convolution.
    pub batch_norm: bool,
    /// The probability of dropout in the head.
    pub dropout: f32,
    /// Channels of an image.
    pub channels: usize,
    /// Classes.
    pub classes: usize,
}

impl VggConfig {
    const fn of(stages: [usize; 5]) -> Self {
        Self { stages, batch_norm: false, dropout: 0.5, channels: 3, classes: 1000 }
    }

    /// Configuration A.
    pub const fn vgg11() -> Self {
        Self::of([1, 1, 2, 2, 2])
    }

    /// Configuration B.
    pub const fn vgg13() -> Self {
        Self::of([2, 2, 2, 2, 2])
    }

    /// Configuration D.
    pub const fn vgg16() -> Self {
        Self::of([2, 2, 3, 3, 3])
    }

    /// Configuration E.
    pub const fn vgg19() -> Self {
        Self::of([2, 2, 4, 4, 4])
    }

    /// With a BatchNorm behind each convolution.
    #[must_use]
    pub const fn bn(mut self) -> Self {
        self.batch_norm = true;
        self
    }
}

/// 3×3 convolutions in five stages with a pooling behind each, means over 7 × 7 windows, and three linear layers.
pub struct Vgg(Sequential);

impl Vgg {
    /// torchvision's images have 3 channels and 224 × 224 pixels; any of at least 32 × 32 will do.
    pub fn new(scope: &Scope, config: &VggConfig) -> Result<Self> {
        let options = Conv2dOptions::default()
            .padding(1)
            .init(Init::KaimingNormal(Fan::Out, Init::RELU_GAIN))
            .bias_init(Init::Constant(0.0));
        let features = scope / "features";
        let (mut layers, mut inputs, mut index) = (Sequential::at(&features), config.channels, 0);
        for (count, width) in config.stages.into_iter().zip([64, 128, 256, 512, 512]) {
            let mut stage = Sequential::new();
            for _ in 0..count {
                let conv = Conv2d::new(&(&features / index), inputs, width, [3, 3], options)?;
                stage.push(conv);
                // The ReLU has an index of its own.
                if config.batch_norm {
                    let norm = BatchNorm2d::new(&(&features / (index + 1)), width)?;
                    stage.push(NormRelu(norm, Tap::new(&(&features / (index + 2)))));
                    index += 3;
                } else {
                    stage.push(Tapped::new(Activation(UnaryOp::Relu), [&(&features / (index + 1))]));
                    index += 2;
                }
                inputs = width;
            }
            stage.push(Tapped::new(MaxPool2d(Pool2d::new([2, 2])), [&(&features / index)]));
            layers.push(Checkpointed::asked(stage));
            index += 1;
        }
        let avgpool = Tapped::new(AdaptiveAvgPool2d([7, 7]), [&(scope / "avgpool")]);
        let head = scope / "classifier";
        let mut classifier = Sequential::under(&head);
        let linear = |index: usize, inputs, outputs| {
            let start = (Init::Normal(0.01), Some(Init::Constant(0.0)));
            Linear::with_init(&(&head / index), inputs, outputs, start.0, start.1)
        };
        for (index, inputs) in [(0, inputs * 49), (3, HIDDEN)] {
            classifier = classifier
                .then(linear(index, inputs, HIDDEN)?)
                .then(Activation(UnaryOp::Relu))
                .then(Dropout::new(config.dropout)?);
        }
        classifier.push(linear(6, HIDDEN, config.classes)?);
        Ok(Self(Sequential::new().then(layers).then(avgpool).then(Flatten).then(classifier)))
    }
}

/// Features between the linear layers.
const HIDDEN: usize = 4096;

/// A BatchNorm with the ReLU behind it, and where that one's output is found.
struct NormRelu(BatchNorm2d, Tap);

impl Layer for NormRelu {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        Ok(self.1.give(self.0.forward_relu(x, pass)?, pass))
    }
}

impl Layer for Vgg {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        self.0.forward(x, pass)
    }
}
