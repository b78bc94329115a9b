//! DeepLabV3+ (Chen et al., arXiv 1802.02611): DeepLabV3 as an encoder, and a decoder that sees an early map again.

use tilewright_autograd::Var;
use tilewright_nn::{
    Checkpointed, INPUT, Layer, Module, Pass, Port, Result, Scope, Sequential, Values,
    layers::{Conv2d, Conv2dOptions},
};

use super::{
    aspp::{Aspp, WIDTH, conv},
    backbone::{Body, Dilated},
    segmenter::{OUT, SegmenterConfig, enlarged},
};
use crate::blocks::conv_norm::ConvNorm;

/// Channels to which the early map is brought, so that it does not outweigh the rich one (§4.1).
const LOW: usize = 48;

/// A sixteenth of the size by the backbone, `classifier.aspp` at the rates 6, 12 and 18, four times enlarged beside 48
/// channels of an early map (`classifier.low`), two 3×3 convolutions (`classifier.fuse`) and a classifier of pixels
/// (`classifier.head`), enlarged to the image's size.
///
/// torchvision has none; names of layers are this zoo's. Any image of at least one pixel will do; the output is
/// [`OUT`](super::OUT).
pub struct DeepLabV3Plus {
    backbone: Body,
    aspp: Checkpointed<Aspp>,
    low: ConvNorm,
    fuse: Checkpointed<Sequential>,
    head: Conv2d,
}

impl DeepLabV3Plus {
    /// Dropout behind the pyramid is 0.5 unless it is chosen.
    pub fn new(scope: &Scope, config: &SegmenterConfig) -> Result<Self> {
        let &SegmenterConfig { backbone, dropout, channels, classes, .. } = config;
        let (widths, head) = (backbone.widths(), scope / "classifier");
        let fuse = &head / "fuse";
        let two = |at: usize, inputs| -> Result<ConvNorm> {
            let scopes = [&(&fuse / at), &(&fuse / (at + 1))];
            Ok(ConvNorm::named(scopes, inputs, WIDTH, conv(3, 1))?.at(&(&fuse / (at + 2))))
        };
        let both = Sequential::at(&fuse).then(two(0, WIDTH + LOW)?).then(two(3, WIDTH)?);
        let classifier = Conv2d::new(&(&head / "head"), WIDTH, classes, [1, 1], Conv2dOptions::default())?;
        let aspp = Aspp::new(&(&head / "aspp"), widths.high, [6, 12, 18], dropout.unwrap_or(0.5))?;
        Ok(Self {
            backbone: backbone.make(&(scope / "backbone"), channels, Dilated::One)?,
            aspp: Checkpointed::asked(aspp),
            low: ConvNorm::new(&(&head / "low"), widths.low, LOW, conv(1, 1))?,
            fuse: Checkpointed::asked(both),
            head: classifier,
        })
    }
}

impl Module for DeepLabV3Plus {
    fn inputs(&self) -> Vec<Port> {
        vec![Port::required(INPUT)]
    }

    fn outputs(&self) -> Vec<Port> {
        vec![Port::required(OUT)]
    }

    fn compute(&self, inputs: &Values, pass: &Pass) -> Result<Values> {
        let x = inputs.get(INPUT)?;
        let maps = self.backbone.maps(x, pass)?;
        let rich = enlarged(&self.aspp.forward(&maps.high, pass)?, &maps.low)?;
        let both = Var::concat(&[&rich, &self.low.forward(&maps.low, pass)?], 1)?;
        Ok([(OUT, enlarged(&self.head.forward(&self.fuse.forward(&both, pass)?, pass)?, x)?)].into())
    }
}
