//! What torchvision's segmentation networks have in common: a backbone, a head, and an auxiliary head.

use tilewright_autograd::Var;
use tilewright_nn::{
    Checkpointed, INPUT, Layer, Pass, Port, Result, Scope, Values,
    layers::{Upsample, UpsampleMode},
};

use super::{
    backbone::{Backbone, Body, Dilated},
    fcn_head::FcnHead,
};

/// The name of the output: logits N × classes × H × W of the images' height and width.
pub const OUT: &str = "out";
/// The name of the auxiliary head's output, of the same shape, where there is such a head.
pub const AUX: &str = "aux";

/// What an [`Fcn`](super::Fcn), a [`DeepLabV3`](super::DeepLabV3) or one of its kin is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SegmenterConfig {
    /// What the head stands on.
    pub backbone: Backbone,
    /// Whether an auxiliary head looks at the middle of the backbone, whose loss helps training along. A network without
    /// one passes this over.
    pub auxiliary: bool,
    /// The probability of dropout in the heads; `None` is the network's own.
    pub dropout: Option<f32>,
    /// Channels of an image.
    pub channels: usize,
    /// Classes, the background among them.
    pub classes: usize,
}

impl SegmenterConfig {
    /// For colour images and the 21 classes of Pascal VOC, without an auxiliary head.
    pub const fn new(backbone: Backbone) -> Self {
        Self { backbone, auxiliary: false, dropout: None, channels: 3, classes: 21 }
    }
}

/// `backbone`, `classifier` and perhaps `aux_classifier`.
pub(super) struct Segmenter {
    backbone: Body,
    classifier: Box<dyn Layer>,
    auxiliary: Option<Checkpointed<FcnHead>>,
}

impl Segmenter {
    /// Around the head `classifier` of the last map.
    pub fn new(scope: &Scope, config: &SegmenterConfig, classifier: Box<dyn Layer>) -> Result<Self> {
        let &SegmenterConfig { backbone, auxiliary, dropout, channels, classes } = config;
        let body = backbone.make(&(scope / "backbone"), channels, Dilated::Two)?;
        let width = backbone.widths().middle;
        let scope = scope / "aux_classifier";
        let head = || FcnHead::new(&scope, width, classes, dropout).map(Checkpointed::asked);
        Ok(Self { backbone: body, classifier, auxiliary: auxiliary.then(head).transpose()? })
    }

    pub fn outputs(&self) -> Vec<Port> {
        let auxiliary = self.auxiliary.as_ref().map(|_| Port::optional(AUX));
        std::iter::once(Port::required(OUT)).chain(auxiliary).collect()
    }

    pub fn compute(&self, inputs: &Values, pass: &Pass) -> Result<Values> {
        let x = inputs.get(INPUT)?;
        let maps = self.backbone.maps(x, pass)?;
        let out = enlarged(&self.classifier.forward(&maps.high, pass)?, x)?;
        let mut outputs = Values::new().with(OUT, out);
        if let Some(head) = &self.auxiliary {
            outputs.insert(AUX, enlarged(&head.forward(&maps.middle, pass)?, x)?);
        }
        Ok(outputs)
    }
}

/// `map` with the height and width of `like`, between its pixels.
pub(super) fn enlarged(map: &Var, like: &Var) -> Result<Var> {
    let size = like.shape().get(2..4).and_then(|size| size.try_into().ok()).unwrap_or_default();
    Upsample::to(UpsampleMode::Bilinear, map, size)
}

/// Implements `Module` for a network that is a [`Segmenter`] by its first field.
macro_rules! segmenter {
    ($network:ty) => {
        impl tilewright_nn::Module for $network {
            fn inputs(&self) -> Vec<tilewright_nn::Port> {
                vec![tilewright_nn::Port::required(tilewright_nn::INPUT)]
            }

            fn outputs(&self) -> Vec<tilewright_nn::Port> {
                self.0.outputs()
            }

            fn compute(
                &self,
                inputs: &tilewright_nn::Values,
                pass: &tilewright_nn::Pass,
            ) -> tilewright_nn::Result<tilewright_nn::Values> {
                self.0.compute(inputs, pass)
            }
        }
    };
}
pub(super) use segmenter;
