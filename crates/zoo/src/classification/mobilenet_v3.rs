//! MobileNetV3 (Howard et al., arXiv 1905.02244, tables 1 and 2), with torchvision's names.

use tilewright_autograd::Var;
use tilewright_nn::{
    Checkpointed, Layer, Pass, Result, Scope, Sequential, Tap, Tapped,
    init::Init,
    layers::{Activation, AdaptiveAvgPool2d, Dropout, Flatten, Linear},
};
use tilewright_ops::{BatchNorm, UnaryOp};

use crate::blocks::{
    conv_norm::{ConvNorm, ConvNormConfig},
    inverted_residual::{InvertedResidual, InvertedResidualConfig},
};

/// What a [`MobileNetV3`] is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MobileNetV3Config {
    /// The large one, else the small one.
    pub large: bool,
    /// Whether the last stage has a dilation for its stride, as segmentation wants it.
    pub dilated: bool,
    /// The probability of dropout in front of the last linear layer.
    pub dropout: f32,
    /// Channels of an image.
    pub channels: usize,
    /// Classes.
    pub classes: usize,
}

impl MobileNetV3Config {
    /// MobileNetV3-Large.
    pub const fn large() -> Self {
        Self { large: true, dilated: false, dropout: 0.2, channels: 3, classes: 1000 }
    }

    /// MobileNetV3-Small.
    pub const fn small() -> Self {
        Self { large: false, ..Self::large() }
    }
}

/// A block: kernel, expanded and output channels, squeeze and excitation, hard swish (else ReLU), stride.
type Row = (usize, usize, usize, bool, bool, usize);

const LARGE: &[Row] = &[
    (3, 16, 16, false, false, 1),
    (3, 64, 24, false, false, 2),
    (3, 72, 24, false, false, 1),
    (5, 72, 40, true, false, 2),
    (5, 120, 40, true, false, 1),
    (5, 120, 40, true, false, 1),
    (3, 240, 80, false, true, 2),
    (3, 200, 80, false, true, 1),
    (3, 184, 80, false, true, 1),
    (3, 184, 80, false, true, 1),
    (3, 480, 112, true, true, 1),
    (3, 672, 112, true, true, 1),
    (5, 672, 160, true, true, 2),
    (5, 960, 160, true, true, 1),
    (5, 960, 160, true, true, 1),
];

const SMALL: &[Row] = &[
    (3, 16, 16, true, false, 2),
    (3, 72, 24, false, false, 2),
    (3, 88, 24, false, false, 1),
    (5, 96, 40, true, true, 2),
    (5, 240, 40, true, true, 1),
    (5, 240, 40, true, true, 1),
    (5, 120, 48, true, true, 1),
    (5, 144, 48, true, true, 1),
    (5, 288, 96, true, true, 2),
    (5, 576, 96, true, true, 1),
    (5, 576, 96, true, true, 1),
];

/// Blocks of the last stage, those that may be dilated.
const LAST_STAGE: usize = 3;

/// torchvision's, from the authors' TensorFlow.
const NORM: BatchNorm = BatchNorm { eps: 1e-3, momentum: 0.01 };

/// A 3×3 convolution of stride 2, inverted residuals and a 1×1 convolution: `0` and on.
pub struct MobileNetV3Features {
    layers: Vec<Box<dyn Layer>>,
    /// Output channels of each layer.
    pub(crate) widths: Vec<usize>,
    tap: Tap,
}

impl MobileNetV3Features {
    /// Makes the layers under `scope`.
    pub fn new(scope: &Scope, config: &MobileNetV3Config) -> Result<Self> {
        let stem = ConvNormConfig::new(3, Some(UnaryOp::HardSwish)).stride(2).norm(NORM);
        let mut inputs = 16;
        let mut layers: Vec<Box<dyn Layer>> =
            vec![Box::new(ConvNorm::new(&(scope / 0), config.channels, inputs, stem)?)];
        let mut widths = vec![inputs];
        let rows = if config.large { LARGE } else { SMALL };
        for (at, &(kernel, expanded, outputs, squeezes, hard_swish, stride)) in rows.iter().enumerate() {
            let dilated = config.dilated && at + LAST_STAGE >= rows.len();
            let hard_sigmoid = UnaryOp::HardSigmoid { slope: 1.0 / 6.0, offset: 0.5 };
            let squeeze = multiple_of_8(expanded / 4);
            let block = InvertedResidualConfig {
                inputs,
                expanded,
                outputs,
                kernel,
                stride: if dilated { 1 } else { stride },
                dilation: if dilated { 2 } else { 1 },
                activation: if hard_swish { UnaryOp::HardSwish } else { UnaryOp::Relu },
                squeeze: squeezes.then_some((squeeze, UnaryOp::Relu, hard_sigmoid)),
                norm: NORM,
                stochastic_depth: 0.0,
            };
            let layer = InvertedResidual::new(&(scope / (at + 1)), &block)?;
            layers.push(Box::new(Checkpointed::asked(layer)));
            widths.push(outputs);
            inputs = outputs;
        }
        let last = ConvNormConfig::new(1, Some(UnaryOp::HardSwish)).norm(NORM);
        layers.push(Box::new(ConvNorm::new(&(scope / layers.len()), inputs, 6 * inputs, last)?));
        widths.push(6 * inputs);
        Ok(Self { layers, widths, tap: Tap::new(scope) })
    }

    /// The outputs of two layers, the earlier one first.
    pub fn outputs_of(&self, wanted: [usize; 2], x: &Var, pass: &Pass) -> Result<[Var; 2]> {
        let mut outputs = [x.clone(), x.clone()];
        let mut x = x.clone();
        for (at, layer) in self.layers.iter().enumerate() {
            x = layer.forward(&x, pass)?;
            for (wanted, output) in wanted.iter().zip(&mut outputs) {
                if *wanted == at {
                    output.clone_from(&x);
                }
            }
        }
        Ok(outputs)
    }
}

/// The nearest multiple of 8 that is at least 8 and not more than a tenth below `channels`: the authors' rule.
fn multiple_of_8(channels: usize) -> usize {
    let near = ((channels + 4) / 8 * 8).max(8);
    if near * 10 < channels * 9 { near + 8 } else { near }
}

impl Layer for MobileNetV3Features {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let y = self.layers.iter().try_fold(x.clone(), |x, layer| layer.forward(&x, pass))?;
        Ok(self.tap.give(y, pass))
    }
}

/// [`MobileNetV3Features`], a global mean and two linear layers.
pub struct MobileNetV3 {
    features: MobileNetV3Features,
    head: Sequential,
}

impl MobileNetV3 {
    /// torchvision's images have 3 channels and 224 × 224 pixels.
    pub fn new(scope: &Scope, config: &MobileNetV3Config) -> Result<Self> {
        let features = MobileNetV3Features::new(&(scope / "features"), config)?;
        let hidden = if config.large { 1280 } else { 1024 };
        let head = scope / "classifier";
        let linear = |index: usize, inputs, outputs| {
            let start = (Init::Normal(0.01), Some(Init::Constant(0.0)));
            Linear::with_init(&(&head / index), inputs, outputs, start.0, start.1)
        };
        let inputs = features.widths.last().copied().unwrap_or_default();
        let classifier = Sequential::under(&head)
            .then(linear(0, inputs, hidden)?)
            .then(Activation(UnaryOp::HardSwish))
            .then(Dropout::new(config.dropout)?)
            .then(linear(3, hidden, config.classes)?);
        let avgpool = Tapped::new(AdaptiveAvgPool2d([1, 1]), [&(scope / "avgpool")]);
        Ok(Self { features, head: Sequential::new().then(avgpool).then(Flatten).then(classifier) })
    }
}

impl Layer for MobileNetV3 {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        self.head.forward(&self.features.forward(x, pass)?, pass)
    }
}
