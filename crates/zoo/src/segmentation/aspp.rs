//! Atrous spatial pyramid pooling (Chen et al., arXiv 1706.05587, §3.3): the same map seen at several scales.

use tilewright_autograd::Var;
use tilewright_nn::{
    Layer, Pass, Result, Scope, Tap,
    init::Init,
    layers::{AdaptiveAvgPool2d, Dropout},
};
use tilewright_ops::UnaryOp;

use crate::blocks::conv_norm::{ConvNorm, ConvNormConfig};

/// Output channels of each branch, and of all together.
pub(super) const WIDTH: usize = 256;

/// A 1×1 convolution, three dilated ones and the image's mean beside one another (`convs`), then a 1×1 (`project`).
pub(super) struct Aspp {
    convs: Vec<ConvNorm>,
    mean: ConvNorm,
    project: ConvNorm,
    dropout: Dropout,
    taps: Taps,
}

/// Where the branch of the mean, `project` and the whole are found.
struct Taps {
    mean: Tap,
    project: Tap,
    whole: Tap,
}

/// A convolution as the heads have it: `kernel`, `dilation`, a BatchNorm and a ReLU.
pub(super) fn conv(kernel: usize, dilation: usize) -> ConvNormConfig {
    let plain = ConvNormConfig::new(kernel, Some(UnaryOp::Relu)).init(Init::DEFAULT_WEIGHT);
    ConvNormConfig { dilation, ..plain }
}

impl Aspp {
    pub fn new(scope: &Scope, inputs: usize, rates: [usize; 3], dropout: f32) -> Result<Self> {
        let branches = scope / "convs";
        let mut convs = vec![ConvNorm::new(&(&branches / 0), inputs, WIDTH, conv(1, 1))?];
        for rate in rates {
            let scope = &branches / convs.len();
            convs.push(ConvNorm::new(&scope, inputs, WIDTH, conv(3, rate))?);
        }
        // The mean is layer 0 of its branch.
        let last = &branches / convs.len();
        let mean = ConvNorm::named([&(&last / 1), &(&last / 2)], inputs, WIDTH, conv(1, 1))?.at(&(&last / 3));
        let all = (convs.len() + 1) * WIDTH;
        let end = scope / "project";
        // The dropout is its layer 3.
        let project = ConvNorm::named([&(&end / 0), &(&end / 1)], all, WIDTH, conv(1, 1))?.at(&(&end / 2));
        let taps = Taps { mean: Tap::new(&last), project: Tap::new(&end), whole: Tap::new(scope) };
        Ok(Self { convs, mean, project, dropout: Dropout::new(dropout)?, taps })
    }
}

impl Layer for Aspp {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let mut branches = Vec::with_capacity(self.convs.len() + 1);
        for conv in &self.convs {
            branches.push(conv.forward(x, pass)?);
        }
        let mean = AdaptiveAvgPool2d([1, 1]).forward(x, pass)?;
        let mean = self.mean.forward(&self.taps.mean.give_as(0, mean, pass), pass)?;
        // One pixel, enlarged, is that pixel everywhere.
        let shape = branches.first().map(|branch| branch.shape().to_vec()).unwrap_or_default();
        branches.push(self.taps.mean.give(mean.expand(&shape)?, pass));
        let all = Var::concat(&branches.iter().collect::<Vec<_>>(), 1)?;
        let y = self.dropout.forward(&self.project.forward(&all, pass)?, pass)?;
        Ok(self.taps.whole.give(self.taps.project.give(y, pass), pass))
    }
}
