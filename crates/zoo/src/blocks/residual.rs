//! The blocks of residual networks (He et al., arXiv 1512.03385), with torchvision's names.

use tilewright_autograd::Var;
use tilewright_nn::{
    Layer, Pass, Result, Scope, Tap,
    init::{Fan, Init},
    layers::{BatchNorm2d, Conv2d, Conv2dOptions},
};
use tilewright_ops::{BatchNorm, SliceRange};

use super::attention::{Attended, Attention};

/// What a shortcut does where the block changes the shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shortcut {
    /// A 1×1 convolution with its BatchNorm, `downsample.0` and `.1` (option B; torchvision's).
    #[default]
    Projection,
    /// Every second pixel, with zeros for the channels that are new (option A; the paper's for CIFAR). No parameters.
    Padding,
}

/// What the blocks of a network have inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Two 3×3 convolutions; the first has the stride.
    Basic,
    /// 1×1, 3×3 and 1×1 to four times the channels. The 3×3 has the stride ("v1.5", as torchvision), where the paper gives
    /// it to the first 1×1.
    Bottleneck,
}

impl Kind {
    /// Output channels of a block for each of its width.
    pub const fn expansion(self) -> usize {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
    }
}

/// A residual block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockConfig {
    pub kind: Kind,
    /// Input channels.
    pub inputs: usize,
    /// Output channels before the expansion.
    pub width: usize,
    pub stride: usize,
    /// Of the first 3×3 convolution.
    pub dilation: usize,
    /// Groups of the 3×3 convolution of a bottleneck (Xie et al., arXiv 1611.05431).
    pub groups: usize,
    /// Channels of the 3×3 convolution of a bottleneck, all groups together, for 64 of `width`.
    pub base_width: usize,
    pub shortcut: Shortcut,
    pub attention: Attention,
    /// What the last BatchNorm's weight starts at.
    pub last_weight: f32,
}

impl BlockConfig {
    /// An ordinary block from `inputs` channels to `width · expansion`.
    pub const fn new(kind: Kind, inputs: usize, width: usize, stride: usize, shortcut: Shortcut) -> Self {
        let (dilation, groups, base_width) = (1, 1, 64);
        let (attention, last_weight) = (Attention::None, 1.0);
        Self { kind, inputs, width, stride, dilation, groups, base_width, shortcut, attention, last_weight }
    }
}

/// `relu(layers(x) + shortcut(x))`.
pub(crate) struct Block {
    /// `conv1 bn1`, `conv2 bn2`, … with a ReLU between them.
    layers: Vec<(Conv2d, BatchNorm2d)>,
    attention: Attended,
    shortcut: Path,
    tap: Tap,
}

/// A shortcut as it was built.
enum Path {
    Identity,
    Projection(Box<(Conv2d, BatchNorm2d, Tap)>),
    Padding { stride: usize, before: usize, after: usize },
}

/// A square convolution as torchvision's ResNets have it: "same" padding at stride 1, no bias before a BatchNorm, Kaiming
/// normal by the fan out.
pub(crate) fn conv(
    scope: &Scope,
    inputs: usize,
    outputs: usize,
    kernel: usize,
    stride: usize,
) -> Result<Conv2d> {
    Conv2d::new(scope, inputs, outputs, [kernel; 2], same(kernel, 1).stride(stride))
}

/// The options of [`conv`] at stride 1.
fn same(kernel: usize, dilation: usize) -> Conv2dOptions {
    Conv2dOptions::default()
        .padding(kernel / 2 * dilation)
        .dilation(dilation)
        .no_bias()
        .init(Init::KaimingNormal(Fan::Out, Init::RELU_GAIN))
}

impl Block {
    pub fn new(scope: &Scope, config: &BlockConfig) -> Result<Self> {
        let &BlockConfig { kind, inputs, width, stride, dilation, groups, base_width, .. } = config;
        let outputs = width * kind.expansion();
        let inner = width * base_width / 64 * groups;
        let three = same(3, dilation);
        // Output channels, kernel and options of each convolution.
        let plan = match kind {
            Kind::Basic => vec![(width, 3, three.stride(stride)), (outputs, 3, same(3, 1))],
            Kind::Bottleneck => vec![
                (inner, 1, same(1, 1)),
                (inner, 3, three.stride(stride).groups(groups)),
                (outputs, 1, same(1, 1)),
            ],
        };
        let mut layers = Vec::with_capacity(plan.len());
        let (mut channels, last) = (inputs, plan.len());
        for (number, (to, kernel, options)) in (1..).zip(plan) {
            let convolution =
                Conv2d::new(&(scope / format!("conv{number}")), channels, to, [kernel; 2], options)?;
            let start = if number == last { config.last_weight } else { 1.0 };
            let scope = scope / format!("bn{number}");
            layers.push((convolution, BatchNorm2d::with_start(&scope, to, BatchNorm::default(), start)?));
            channels = to;
        }
        let attention = Attended::new(&(scope / "se"), outputs, config.attention)?;
        let shortcut = Path::new(scope, inputs, outputs, stride, config.shortcut)?;
        Ok(Self { layers, attention, shortcut, tap: Tap::new(scope) })
    }
}

impl Layer for Block {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let mut y = x.clone();
        for (at, (conv, norm)) in self.layers.iter().enumerate() {
            let last = at + 1 == self.layers.len();
            y = conv.forward(&y, pass)?;
            y = if last { norm.forward(&y, pass)? } else { norm.forward_relu(&y, pass)? };
        }
        let y = self.attention.forward(&y, pass)?;
        let y = y.add_relu_over(&self.shortcut.forward(x, pass)?)?;
        Ok(self.tap.give(y, pass))
    }
}

impl Path {
    fn new(scope: &Scope, inputs: usize, outputs: usize, stride: usize, shortcut: Shortcut) -> Result<Self> {
        Ok(match shortcut {
            _ if stride == 1 && inputs == outputs => Self::Identity,
            Shortcut::Projection => {
                let scope = scope / "downsample";
                let projection = conv(&(&scope / 0), inputs, outputs, 1, stride)?;
                let norm = BatchNorm2d::new(&(&scope / 1), outputs)?;
                Self::Projection(Box::new((projection, norm, Tap::new(&scope))))
            }
            Shortcut::Padding => {
                let added = outputs.saturating_sub(inputs);
                Self::Padding { stride, before: added / 2, after: added - added / 2 }
            }
        })
    }

    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        match self {
            Self::Identity => Ok(x.clone()),
            Self::Projection(layers) => {
                let (conv, norm, tap) = &**layers;
                Ok(tap.give(norm.forward(&conv.forward(x, pass)?, pass)?, pass))
            }
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
