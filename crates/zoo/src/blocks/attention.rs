//! What may follow the last convolution of a residual block, with timm's names.

use std::sync::Arc;

use tilewright_autograd::Var;
use tilewright_nn::{
    Layer, Parameter, Pass, Result, Scope, Tap,
    init::{Fan, Init},
    layers::{BatchNorm2d, Conv2d, Conv2dOptions, SqueezeExcitation},
};
use tilewright_ops::{self as ops, ReduceOp, UnaryOp};

/// An attention: channels or pixels are scaled by gates in 0..1 that the block's output decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attention {
    /// None.
    #[default]
    None,
    /// Two layers over the channels' means (squeeze and excitation: Hu et al., arXiv 1709.01507).
    SqueezeExcitation,
    /// One convolution along the channels' means (ECA-Net: Wang et al., arXiv 1910.03151).
    Eca,
    /// Channels by their means and maxima, then pixels by theirs (CBAM: Woo et al., arXiv 1807.06521).
    Cbam,
}

/// Channels for one of the inner layer.
const REDUCTION: usize = 16;

/// An attention as it was built.
pub(crate) enum Attended {
    None,
    SqueezeExcitation(Box<SqueezeExcitation>),
    Eca(Arc<Parameter>, Tap),
    Cbam(Box<Cbam>),
}

/// The layers of CBAM.
pub(crate) struct Cbam {
    fc1: Conv2d,
    fc2: Conv2d,
    conv: Conv2d,
    bn: BatchNorm2d,
    tap: Tap,
}

impl Attended {
    /// Makes the attention of so many channels under `scope`.
    pub fn new(scope: &Scope, channels: usize, attention: Attention) -> Result<Self> {
        // As timm starts every 2-D convolution of a ResNet.
        let options = Conv2dOptions::default().init(Init::KaimingNormal(Fan::Out, Init::RELU_GAIN));
        Ok(match attention {
            Attention::None => Self::None,
            Attention::SqueezeExcitation => {
                // timm keeps the inner layer a multiple of 8.
                let squeezed = ((channels / REDUCTION + 4) / 8 * 8).max(8);
                let (activation, gate) = (UnaryOp::Relu, UnaryOp::Sigmoid);
                let layer = SqueezeExcitation::new(scope, channels, squeezed, activation, gate, options)?;
                Self::SqueezeExcitation(Box::new(layer))
            }
            Attention::Eca => {
                let shape = [1, 1, eca_kernel(channels)];
                let weight = (scope / "conv").parameter("weight", &shape, Init::DEFAULT_WEIGHT)?;
                Self::Eca(weight, Tap::new(scope))
            }
            Attention::Cbam => {
                let (outer, inner) = (channels, (channels / REDUCTION).max(1));
                let (channel, spatial) = (scope / "channel", scope / "spatial" / "conv");
                Self::Cbam(Box::new(Cbam {
                    fc1: Conv2d::new(&(&channel / "fc1"), outer, inner, [1, 1], options.no_bias())?,
                    fc2: Conv2d::new(&(&channel / "fc2"), inner, outer, [1, 1], options.no_bias())?,
                    conv: Conv2d::new(&(&spatial / "conv"), 2, 1, [7, 7], options.no_bias().padding(3))?,
                    bn: BatchNorm2d::new(&(&spatial / "bn"), 1)?,
                    tap: Tap::new(scope),
                }))
            }
        })
    }
}

/// The odd number next to (log₂ C + 1) / 2, rounded down and then up, and 3 at least.
fn eca_kernel(channels: usize) -> usize {
    let half = (((channels.max(1) as f64).log2() + 1.0) / 2.0) as usize;
    (half | 1).max(3)
}

impl Layer for Attended {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        match self {
            Self::None => Ok(x.clone()),
            Self::SqueezeExcitation(layer) => layer.forward(x, pass),
            Self::Eca(weight, tap) => {
                let mut images = x.shape().to_vec();
                images.truncate(1);
                // A 1-D convolution along the channels of N 1 1 C.
                let batch = images.first().map_or(-1, |&extent| extent as isize);
                let kernel = weight.shape().last().copied().unwrap_or(1);
                let op = ops::Conv2d { padding: [0, kernel / 2], ..ops::Conv2d::default() };
                let weight = weight.var(pass)?.reshape(&[1, 1, 1, -1])?;
                let means = means(x)?.reshape(&[batch, 1, 1, -1])?;
                let sums = means.conv2d(&weight, None, &op)?;
                if tap.is_part_wanted("conv", pass) {
                    // timm's convolution has one axis.
                    tap.give_as("conv", sums.reshape(&[batch, 1, -1])?, pass);
                }
                let gate = sums.unary(UnaryOp::Sigmoid)?;
                Ok(tap.give(x.mul(&gate.reshape(&[batch, -1, 1, 1])?)?, pass))
            }
            Self::Cbam(layers) => layers.forward(x, pass),
        }
    }
}

fn means(x: &Var) -> Result<Var> {
    Ok(x.adaptive_avg_pool2d(ops::AdaptiveAvgPool2d { output: [1, 1] })?)
}

impl Layer for Cbam {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let inner = |x: &Var| self.fc2.forward(&self.fc1.forward(x, pass)?.relu()?, pass);
        let maxima = x.reduce(ReduceOp::Max, &[2, 3], true)?;
        let x = x.mul(&inner(&means(x)?)?.add(&inner(&maxima)?)?.unary(UnaryOp::Sigmoid)?)?;
        let x = self.tap.give_as("channel", x, pass);
        let both = [x.mean(&[1], true)?, x.reduce(ReduceOp::Max, &[1], true)?];
        let gate = self.conv.forward(&Var::concat(&[&both[0], &both[1]], 1)?, pass)?;
        let gate = if self.tap.is_part_wanted("spatial.conv", pass) {
            // timm's ends with the normalisation.
            let gate = self.bn.forward(&gate, pass)?;
            self.tap.give_as("spatial.conv", gate, pass).unary(UnaryOp::Sigmoid)?
        } else {
            self.bn.forward_fused(&gate, pass, Some(UnaryOp::Sigmoid))?
        };
        let y = self.tap.give_as("spatial", x.mul(&gate)?, pass);
        Ok(self.tap.give(y, pass))
    }
}
