//! The blocks of mobile networks: few channels at the ends, many within (Sandler et al., arXiv 1801.04381), gated by squeeze
//! and excitation where wanted (Howard et al., arXiv 1905.02244), with torchvision's names.

use tilewright_autograd::Var;
use tilewright_nn::{
    Layer, Pass, Result, Scope, Sequential, Tap,
    init::{Fan, Init},
    layers::{Conv2dOptions, SqueezeExcitation, StochasticDepth},
};
use tilewright_ops::{BatchNorm, UnaryOp};

use super::conv_norm::{ConvNorm, ConvNormConfig};

/// What an [`InvertedResidual`] is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InvertedResidualConfig {
    pub inputs: usize,
    /// Channels within; equal to the inputs, there is no convolution that expands.
    pub expanded: usize,
    pub outputs: usize,
    /// Of the depthwise convolution, as stride and dilation.
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    pub activation: UnaryOp,
    /// The inner channels of squeeze and excitation, its activation and its gate.
    pub squeeze: Option<(usize, UnaryOp, UnaryOp)>,
    pub norm: BatchNorm,
    /// The probability with which training drops the block but for its shortcut.
    pub stochastic_depth: f32,
}

/// Expand (1×1), depthwise, squeeze and excitation, project (1×1), and a shortcut where the shape stays: `block.0` and on.
pub(crate) struct InvertedResidual {
    block: Sequential,
    stochastic_depth: Option<StochasticDepth>,
    tap: Tap,
}

impl InvertedResidual {
    pub fn new(scope: &Scope, config: &InvertedResidualConfig) -> Result<Self> {
        let &InvertedResidualConfig { inputs, expanded, outputs, stride, norm, .. } = config;
        let tap = Tap::new(scope);
        let scope = scope / "block";
        let mut block = Sequential::at(&scope);
        let active = |kernel| ConvNormConfig::new(kernel, Some(config.activation)).norm(norm);
        if expanded != inputs {
            block.push(ConvNorm::new(&(&scope / block.len()), inputs, expanded, active(1))?);
        }
        let depthwise = ConvNormConfig { dilation: config.dilation, ..active(config.kernel) };
        let depthwise = depthwise.stride(stride).groups(expanded);
        block.push(ConvNorm::new(&(&scope / block.len()), expanded, expanded, depthwise)?);
        if let Some((squeezed, activation, gate)) = config.squeeze {
            let start = Init::KaimingNormal(Fan::Out, Init::RELU_GAIN);
            let options = Conv2dOptions::default().init(start).bias_init(Init::Constant(0.0));
            let scope = &scope / block.len();
            block.push(SqueezeExcitation::new(&scope, expanded, squeezed, activation, gate, options)?);
        }
        let project = ConvNormConfig::new(1, None).norm(norm);
        block.push(ConvNorm::new(&(&scope / block.len()), expanded, outputs, project)?);
        let shortcut = stride == 1 && inputs == outputs;
        let stochastic_depth = shortcut.then(|| StochasticDepth::new(config.stochastic_depth)).transpose()?;
        Ok(Self { block, stochastic_depth, tap })
    }
}

impl Layer for InvertedResidual {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let y = self.block.forward(x, pass)?;
        let y = match &self.stochastic_depth {
            None => y,
            Some(depth) => depth.forward(&y, pass)?.add(x)?,
        };
        Ok(self.tap.give(y, pass))
    }
}
