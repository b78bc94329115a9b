//! MobileNetV2 (Sandler et al., arXiv 1801.04381, table 2), with torchvision's names.

use tilewright_autograd::Var;
use tilewright_nn::{
    Checkpointed, Layer, Pass, Result, Scope, Sequential, Tap,
    init::Init,
    layers::{AdaptiveAvgPool2d, Dropout, Flatten, Linear},
};
use tilewright_ops::UnaryOp;

use crate::blocks::conv_norm::{ConvNorm, ConvNormConfig};

/// What a [`MobileNetV2`] is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MobileNetV2Config {
    /// The probability of dropout in front of the linear layer.
    pub dropout: f32,
    /// Channels of an image.
    pub channels: usize,
    /// Classes.
    pub classes: usize,
}

impl Default for MobileNetV2Config {
    /// torchvision's.
    fn default() -> Self {
        Self { dropout: 0.2, channels: 3, classes: 1000 }
    }
}

/// Expansion, output channels, blocks and the first one's stride, of each stage.
const STAGES: [(usize, usize, usize, usize); 7] = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
];

/// A 3×3 convolution of stride 2, seven stages of inverted residuals, a 1×1 convolution, a global mean and a linear layer.
pub struct MobileNetV2(Sequential);

impl MobileNetV2 {
    /// torchvision's images have 3 channels and 224 × 224 pixels.
    pub fn new(scope: &Scope, config: &MobileNetV2Config) -> Result<Self> {
        let features = scope / "features";
        let active = |kernel| ConvNormConfig::new(kernel, Some(UnaryOp::Relu6));
        let mut inputs = 32;
        let stem = ConvNorm::new(&(&features / 0), config.channels, inputs, active(3).stride(2))?;
        let mut layers = Sequential::at(&features).then(stem);
        for (expansion, outputs, count, stride) in STAGES {
            for block in 0..count {
                let stride = if block == 0 { stride } else { 1 };
                let scope = &features / layers.len();
                let block = Block::new(&scope, inputs, inputs * expansion, outputs, stride)?;
                layers.push(Checkpointed::asked(block));
                inputs = outputs;
            }
        }
        let last = ConvNorm::new(&(&features / layers.len()), inputs, LAST, active(1))?;
        layers.push(last);
        let head = scope / "classifier";
        let start = (Init::Normal(0.01), Some(Init::Constant(0.0)));
        let linear = Linear::with_init(&(&head / 1), LAST, config.classes, start.0, start.1)?;
        let classifier = Sequential::under(&head).then(Dropout::new(config.dropout)?).then(linear);
        let layers = Sequential::new().then(layers).then(AdaptiveAvgPool2d([1, 1])).then(Flatten);
        Ok(Self(layers.then(classifier)))
    }
}

/// Features in front of the head.
const LAST: usize = 1280;

/// An inverted residual, whose last convolution has no activation.
struct Block {
    expand: Option<ConvNorm>,
    depthwise: ConvNorm,
    project: ConvNorm,
    shortcut: bool,
    tap: Tap,
}

impl Block {
    fn new(scope: &Scope, inputs: usize, expanded: usize, outputs: usize, stride: usize) -> Result<Self> {
        let (tap, scope) = (Tap::new(scope), scope / "conv");
        let active = |kernel| ConvNormConfig::new(kernel, Some(UnaryOp::Relu6));
        let expand = (expanded != inputs).then(|| ConvNorm::new(&(&scope / 0), inputs, expanded, active(1)));
        let expand = expand.transpose()?;
        let at = usize::from(expand.is_some());
        let depthwise = active(3).stride(stride).groups(expanded);
        let depthwise = ConvNorm::new(&(&scope / at), expanded, expanded, depthwise)?;
        // These two lie flat in the block.
        let scopes = [&(&scope / (at + 1)), &(&scope / (at + 2))];
        let project = ConvNorm::named(scopes, expanded, outputs, ConvNormConfig::new(1, None))?.at(&scope);
        Ok(Self { expand, depthwise, project, shortcut: stride == 1 && inputs == outputs, tap })
    }
}

impl Layer for Block {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let expanded = self.expand.as_ref().map(|expand| expand.forward(x, pass)).transpose()?;
        let y = self.depthwise.forward(expanded.as_ref().unwrap_or(x), pass)?;
        let y = self.project.forward(&y, pass)?;
        Ok(self.tap.give(if self.shortcut { x.add(&y)? } else { y }, pass))
    }
}

impl Layer for MobileNetV2 {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        self.0.forward(x, pass)
    }
}
